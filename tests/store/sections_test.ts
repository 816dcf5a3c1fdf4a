// Golden data that no test reads proves nothing.
import { assertEquals } from "../support/assert.ts";
import { storeVector } from "./vectors.ts";

const READ: Readonly<Record<string, readonly string[]>> = {
  "names.json": [
    "accepted",
    "archiveFromPath",
    "archiveName",
    "backupSpecification",
    "formatLocal",
    "formatUtc",
    "group",
    "groupOrSnapshot",
    "groupSortOrder",
    "lockFileEscape",
    "namespace",
    "namespaceAndSnapshot",
    "namespacePath",
    "namespaceSchema",
    "parseRfc3339",
    "snapshot",
    "type",
  ],
  "ids.json": [
    "authId",
    "fingerprint",
    "ownerCheck",
    "upidBigNumbers",
    "upidFormat",
    "upidParse",
  ],
  "repository.json": ["fromParts", "parse"],
  "prune.json": ["about", "scenarios"],
  "manifest/manifest.json": [
    "canonical",
    "key",
    "manifests",
    "otherKey",
    "texts",
  ],
};

Deno.test("every section of the data on names, ids, pruning and manifests is read by a test", () => {
  for (const [name, sections] of Object.entries(READ)) {
    assertEquals(Object.keys(storeVector<object>(name)).sort(), sections, name);
  }
});
