// A new encryption key in a file that official clients read, and out of it again. Run: PASSPHRASE=… deno run -A examples/key_file.ts FILE
import {
  createKeyFile,
  CryptKey,
  encodeKeyFile,
  fingerprintText,
  openKeyFile,
  paperKeyText,
} from "@pxar/chunk";

const [path] = Deno.args, passphrase = Deno.env.get("PASSPHRASE");
if (path === undefined || passphrase === undefined) {
  console.error(
    "Cannot make key: expected the path of a new file, and PASSPHRASE",
  );
  Deno.exit(2);
}

const key = CryptKey.of(crypto.getRandomValues(new Uint8Array(32)));
const hint = "as in the variable PASSPHRASE";
const file = await createKeyFile(key, passphrase, { hint });
const options = { mode: 0o600, createNew: true };
await Deno.writeTextFile(path, encodeKeyFile(file), options);

const opened = await openKeyFile(await Deno.readTextFile(path), passphrase);
console.log(`made ${new Date(opened.created * 1000).toISOString()}`);
console.log(fingerprintText(opened.fingerprint));
console.log(paperKeyText(file, { subject: "to be printed and put away" }));
