import { parseBackupSpec } from "@pxar/store/backup_spec";
import { assertEquals } from "../support/assert.ts";
import { NAMES } from "./names.ts";
import { compare } from "./vectors.ts";

Deno.test("parseBackupSpec() reads what PBS reads, but no archive that its server refuses", () => {
  compare(NAMES.backupSpecification, (text) => {
    const { archive, source } = parseBackupSpec(text);
    return { archive: archive.client, source };
  }, { "-.pxar:/x": "an upload of this name is refused, after all was read" });
});

Deno.test("parseBackupSpec() tells how the source is read", () => {
  for (const type of ["pxar", "img", "conf", "log"] as const) {
    const spec = parseBackupSpec(`a.${type}:/x`);
    assertEquals(spec.type, type);
    assertEquals(spec.archive.client, `a.${type}`);
  }
});
