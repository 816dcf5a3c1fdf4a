// Documentation of every module: `--lint` checks it, otherwise pages are made in docs/api.
import { deno, packages } from "./workspace.ts";

const modules = packages().flatMap((one) => one.modules);
const good = Deno.args.includes("--lint")
  ? await deno(["doc", "--quiet", "--lint", ...modules])
  : await deno([
    "doc",
    "--html",
    "--name=pxar for Deno",
    "--output=docs/api",
    ...modules,
  ]);
Deno.exit(good ? 0 : 1);
