// What `deno publish` would say of every package: from the root alone it looks at one only.
import { deno, packages } from "./workspace.ts";

let good = true;
for (const { name, folder } of packages()) {
  console.log(`publish dry run of ${name}`);
  good = await deno([
    "publish",
    "--dry-run",
    "--allow-dirty",
    "--quiet",
  ], folder) && good;
}
Deno.exit(good ? 0 : 1);
