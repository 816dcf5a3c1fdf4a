// A manifest, signed, and what becomes of one that somebody changed. Run: deno run examples/sign_manifest.ts
import { CryptKey, sha256Of } from "@pxar/chunk";
import { IntegrityError } from "@pxar/format";
import {
  makeManifest,
  manifestText,
  parseManifest,
  parseSnapshot,
  signManifest,
  verifyManifest,
  withNotes,
} from "@pxar/store";

const key = CryptKey.of(crypto.getRandomValues(new Uint8Array(32)));
const blob = new TextEncoder().encode("content of fw.conf.blob");
const snapshot = parseSnapshot("host/elsa/2026-03-01T04:00:00Z");
const manifest = signManifest(
  makeManifest(snapshot, [{
    name: "fw.conf.blob",
    cryptMode: "sign-only",
    size: blob.length,
    csum: sha256Of(blob),
  }]),
  key,
);
const text = manifestText(manifest);
console.log(text);

verifyManifest(parseManifest(text), key);
verifyManifest(withNotes(manifest, "not covered by the signature"), key);
try {
  verifyManifest(parseManifest(text.replace("elsa", "olaf")), key);
} catch (error) {
  if (!(error instanceof IntegrityError)) throw error;
  console.log(error.message);
}
