import { FormatError } from "@pxar/format/errors";
import { authIdText, parseAuthId } from "@pxar/store/auth_id";
import { parseUpid, type Upid, upidText } from "@pxar/store/upid";
import fc from "fast-check";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { IDS, type UpidCase } from "./ids.ts";
import { SAFE_IDS } from "./names.ts";
import { compare } from "./vectors.ts";

const UPID: Upid = {
  node: "pbs1",
  pid: 1234,
  pstart: 2874,
  taskId: 7,
  startTime: 1_700_000_000,
  workerType: "backup",
  workerId: undefined,
  authId: parseAuthId("u@pbs!t"),
};

function told(text: string): UpidCase {
  const upid = parseUpid(text);
  const { node, pid, pstart, taskId, startTime, workerType } = upid;
  return {
    authId: authIdText(upid.authId),
    display: upidText(upid),
    node,
    pid,
    pstart,
    starttime: startTime,
    taskId,
    workerId: upid.workerId ?? null,
    workerType,
  };
}

Deno.test("parseUpid() reads what PBS reads; where that crashes, it refuses", () => {
  compare(IDS.upidParse, told);
});

Deno.test("upidText() escapes as PBS does, and reads back the same", () => {
  for (const { display, parsedBack, workerId } of IDS.upidFormat) {
    assertEquals(upidText({ ...UPID, workerId }), display);
    assertEquals(parseUpid(display).workerId ?? null, parsedBack);
  }
  assertEquals(upidText(parseUpid(IDS.upidBigNumbers)), IDS.upidBigNumbers);
});

Deno.test("parseUpid() refuses a task number that is not exact, and half escapes", () => {
  const text = (task: string, id: string) =>
    `UPID:n:00000001:00000002:${task}:00000004:t:${id}:u@pbs:`;
  assertEquals(
    parseUpid(text("001FFFFFFFFFFFFF", "")).taskId,
    Number.MAX_SAFE_INTEGER,
  );
  assertThrows(
    () => parseUpid(text("0020000000000000", "")),
    FormatError,
    "task",
  );
  for (const id of ["\\", "a\\", "\\x", "\\x2", "\\y2d", "\\\\x2d"]) {
    assertThrows(
      () => parseUpid(text("00000003", id)),
      FormatError,
      "backslash",
    );
  }
});

Deno.test("upidText() refuses parts that could not be read back", () => {
  for (
    const part of [
      { node: "" },
      { node: "a:b" },
      { node: "-a" },
      { pid: -1 },
      { pid: 1.5 },
      { pid: 2 ** 31 },
      { pstart: 2 ** 36 },
      { taskId: 2 ** 53 },
      { startTime: 2 ** 32 },
      { workerType: "" },
      { workerType: "a b" },
      { authId: { name: "u u", realm: "pbs", token: undefined } },
      { authId: { name: "u", realm: "p", token: undefined } },
    ]
  ) {
    assertThrows(
      () => upidText({ ...UPID, ...part }),
      TypeError,
      "Cannot write UPID",
    );
  }
});

Deno.test("UPIDs come back from their texts", () => {
  const upids: fc.Arbitrary<Upid> = fc.record({
    node: fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9-]{0,8}[A-Za-z0-9])?$/),
    pid: fc.nat(),
    pstart: fc.integer({ min: 0, max: 2 ** 36 - 1 }),
    taskId: fc.maxSafeNat(),
    startTime: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    workerType: SAFE_IDS,
    workerId: fc.option(fc.string({ unit: "binary", minLength: 1 }), {
      nil: undefined,
    }),
    authId: SAFE_IDS.map((name) => ({ name, realm: "pbs", token: undefined })),
  }, { noNullPrototype: true });
  fc.assert(fc.property(upids, (upid) => {
    assertEquals(parseUpid(upidText(upid)), upid);
  }));
});
