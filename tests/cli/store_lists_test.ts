// What the official client lists of a store of the official server, this program lists too: text, JSON, and what the environment says of tables.
import { assert, assertEquals } from "../support/assert.ts";
import { byteText } from "../../cli/listing.ts";
import { officialOutputs } from "../support/official_store.ts";
import { inStore } from "./stores.ts";

const OFFICIAL = officialOutputs("lists.txt");

/** Official commands whose answers tell of other things than the store. */
const ELSEWHERE = /^(?:task|version|status) /;

/** Lists without an order, in one. */
function ordered(json: unknown): unknown {
  if (!Array.isArray(json)) return json;
  const items = json.map((one) =>
    Array.isArray(one.files) && typeof one.files[0] === "string"
      ? { ...one, files: one.files.toSorted() }
      : one
  );
  return items.toSorted((a, b) => keyOf(a) < keyOf(b) ? -1 : 1);
}

function keyOf(item: Record<string, unknown>): string {
  return `${item["backup-type"]}/${item["backup-id"]}/${item["backup-time"]}`;
}

Deno.test("byteText() shows as many digits as the official programs", () => {
  for (
    const [bytes, text] of [
      [0, "0 B"],
      [50, "50 B"],
      [1023, "1023 B"],
      [1024, "1 KiB"],
      [12_800, "12.5 KiB"],
      [4 << 20, "4 MiB"],
      [7_247_398, "6.912 MiB"],
      [10_486_597, "10.001 MiB"],
      [2 ** 40, "1 TiB"],
      [Number.MAX_SAFE_INTEGER, "8 PiB"],
    ] as const
  ) assertEquals(byteText(bytes), text);
});

Deno.test("lists are those of the official client", () =>
  inStore(async ({ run }) => {
    let compared = 0;
    for (const [line, { text }] of OFFICIAL) {
      if (ELSEWHERE.test(line) || line === "list") continue;
      compared++;
      const ours = line.replace(/^list\b/, "groups");
      const { code, out, err } = await run(ours);
      assertEquals(code, 0, `${ours}: ${err}`);
      if (!/json/.test(line)) assertEquals(out, text, line);
      else {
        // Members stand in their order, too.
        assertEquals(
          JSON.stringify(ordered(JSON.parse(out))),
          JSON.stringify(ordered(JSON.parse(text))),
          line,
        );
        const lines = line.endsWith("pretty") ? text.split("\n").length : 2;
        assertEquals(out.split("\n").length, lines, line);
      }
    }
    assertEquals(compared, 43);
  }, "plain"));

Deno.test("tables are drawn as the environment says", () =>
  inStore(async ({ run }) => {
    const [bare, bordered, json] = [
      ...Deno.readTextFileSync(
        new URL("../vectors/pbs/client/lists.txt", import.meta.url),
      ).matchAll(/^\$ proxmox-backup-client list\n([^]*?)\[exit 0\]/gm),
    ].map((one) => one[1]!);
    const header = { PROXMOX_OUTPUT_NO_HEADER: "1" };
    const plain = await run("groups", {
      env: { ...header, PROXMOX_OUTPUT_NO_BORDER: "1" },
    });
    // Blanks at the ends of lines are not printed here.
    assertEquals(plain.out, bare!.replace(/ +$/gm, ""));
    const ruled = await run("groups", { env: header });
    assertEquals(ruled.out, bordered);
    const parsed = await run("groups", {
      env: { PROXMOX_OUTPUT_FORMAT: "json" },
    });
    assertEquals(ordered(JSON.parse(parsed.out)), ordered(JSON.parse(json!)));
  }, "plain"));

Deno.test("status has the official form", () =>
  inStore(async ({ run }) => {
    const shape = (text: string) => text.replace(/ *\d+  +\(/g, "N (");
    const { out } = await run("status");
    const [total, used, avail] = [...out.matchAll(/(\d+) +\((\d+) %\)/g)].map((
      [, bytes, percent],
    ) => [Number(bytes), Number(percent)] as const);
    assertEquals(total![1], 100);
    for (const [bytes, percent] of [used!, avail!]) {
      assertEquals(percent, Math.round(100 * bytes / total![0]));
    }
    const official = OFFICIAL.get("status --output-format text")!.text;
    const words = (text: string) =>
      shape(text).split("\n").map((line) => line.split("│")[1]?.trim());
    assertEquals(words(out), words(official));
    const width = Math.max(...out.split("\n").map((line) => line.length));
    assert(out.split("\n").every((one) => one === "" || one.length === width));
    const json = JSON.parse((await run("status --output-format json")).out);
    assertEquals(Object.keys(json), ["avail", "total", "used"]);
    const all = JSON.parse((await run("status --verbose --json")).out);
    // As the official server counts the same groups.
    assertEquals(all.counts, {
      ct: { groups: 1, snapshots: 1 },
      host: { groups: 2, snapshots: 4 },
      other: null,
      vm: { groups: 1, snapshots: 2 },
    });
    assertEquals(all["gc-status"].upid, null);
    const text = await run("status -v");
    assert(/host +│ 2 groups, 4 snapshots/.test(text.out), text.out);
    assert(/last gc │ +never/.test(text.out), text.out);
  }, "plain"));

Deno.test("a snapshot without a readable manifest is listed without a size, as officially", () =>
  inStore(async ({ run }) => {
    const listed = JSON.parse(
      (await run("snapshot list --output-format json")).out,
    ) as Record<string, unknown>[];
    const found = listed.find((one) => one["backup-id"] === "manifest-json")!;
    assertEquals(
      (found.files as Record<string, string>[]).map((one) => one.filename)
        .sort(),
      ["fw.conf.blob", "index.json.blob", "root.mpxar.didx", "root.ppxar.didx"],
    );
    assertEquals([found.size, found.protected], [undefined, false]);
    const { out } = await run("snapshots host/manifest-json");
    assert(/Z │ +│ fw\.conf index\.json root\.mpxar/.test(out), out);
  }, "damaged"));

Deno.test("a snapshot that was made with a key names it", () =>
  inStore(async ({ run }) => {
    const listed = JSON.parse((await run("snapshots host/h1 --json")).out);
    assertEquals(
      listed[0].fingerprint,
      "95:c6:f5:fa:ec:c0:06:11:4f:ea:aa:05:d8:6e:26:1f:7c:a5:42:1c:33:4e:02:34:56:ad:36:f4:8d:2b:14:86",
    );
    assertEquals(
      listed[0].files.map((one: Record<string, string>) => one["crypt-mode"]),
      ["encrypt", "encrypt", "encrypt", "sign-only"],
    );
  }, "encrypted"));
