// Reads the tree of its first argument and says in JSON what it saw; started by tests/fs/read_tree_user_test.ts.
import { readTree } from "@pxar/fs/read_tree";
import { Report } from "@pxar/fs/report";
import { openLibc } from "@pxar/sys/libc";

const report = new Report(), paths: string[] = [], open: string[] = [];
const decoder = new TextDecoder();
for await (const batch of readTree(Deno.args[0]!, { report })) {
  for (const { kind, name, content } of batch) {
    if (kind === "end") open.pop();
    else {
      if (open.length > 0) {
        paths.push([...open.slice(1), decoder.decode(name)].join("/"));
      }
      if (kind === "directory") open.push(decoder.decode(name));
      const into = new Uint8Array(100);
      while (content !== undefined && await content.read(into) > 0);
    }
  }
}
console.log(JSON.stringify({
  native: openLibc() !== undefined,
  paths,
  messages: report.problems.map((problem) => problem.message),
  errors: report.errors,
  losses: Object.fromEntries(report.losses),
}));
