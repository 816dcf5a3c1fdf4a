import { parseAuthId } from "@pxar/store/auth_id";
import { parseUpid, upidText } from "@pxar/store/upid";
import { thisTask } from "../../store/this_task.ts";
import { assert, assertEquals, assertNotEquals } from "../support/assert.ts";

Deno.test("thisTask() names a task as PBS does, each one differently", () => {
  const make = () =>
    thisTask(
      "verify_snapshot",
      "store:/host/h1",
      parseAuthId("root@pam!t"),
      1_700_000_000,
    );
  const one = make(), other = make();
  assertEquals(parseUpid(upidText(one)), one);
  assertEquals([one.pid, one.startTime, one.workerType, one.workerId], [
    Deno.pid,
    1_700_000_000,
    "verify_snapshot",
    "store:/host/h1",
  ]);
  assertNotEquals(upidText(one), upidText(other));
  assertEquals(
    thisTask("garbage_collection", undefined, parseAuthId("root@pam"), 1)
      .workerId,
    undefined,
  );
});

Deno.test("thisTask() does with what is permitted", async () => {
  const module = new URL("../../store/this_task.ts", import.meta.url).href;
  const code = `import { thisTask } from ${JSON.stringify(module)};
    console.log(thisTask("x", undefined, { name: "root", realm: "pam", token: undefined }, 1).node);`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "-"],
    cwd: new URL("../../", import.meta.url).pathname,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(code));
  await writer.close();
  const { stdout, success } = await child.output();
  assert(success);
  assertEquals(new TextDecoder().decode(stdout), "localhost\n");
});
