// Which folder may know which (docs/architecture.md): the spine from left to right, the edges beside it.
import { assert, assertEquals } from "../support/assert.ts";
import { packages, ROOT } from "../../tasks/workspace.ts";

const KNOWS: Readonly<Record<string, readonly string[]>> = {
  format: [],
  codec: ["format"],
  chunk: ["format", "codec"],
  store: ["format", "codec", "chunk"],
  transfer: ["format", "codec", "chunk", "store"],
  sys: ["format", "chunk", "store"],
  fs: ["format", "codec", "transfer", "sys"],
  pbs: ["format", "codec", "chunk", "store"],
  cli: [
    "format",
    "codec",
    "chunk",
    "store",
    "transfer",
    "sys",
    "fs",
    "pbs",
  ],
  "": ["format", "codec", "chunk", "store", "transfer"],
};
/** Libraries that packages use, as deno.json names them. */
const LIBRARIES = ["@bokuweb/zstd-wasm", "qr", "zstddec"];
const SPINE = ["format", "codec", "chunk", "store", "transfer"];

/** Every TypeScript file of a package's folder. */
function files(folder: string): string[] {
  if (folder === "") return ["mod.ts"];
  return [...Deno.readDirSync(ROOT + folder)].flatMap((one) => {
    const path = `${folder}/${one.name}`;
    if (one.isDirectory) return files(path);
    return one.name.endsWith(".ts") ? [path] : [];
  });
}

/** What a module names: static and dynamic imports, exports from, and workers' files. */
function specifiers(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(
    /^\s*\/\/(?!\s*@ts-types).*$/gm,
    "",
  );
  const found = [
    ...code.matchAll(
      /^\s*(?:import|export)\b[^;"']*?\bfrom\s*["']([^"']+)["']/gm,
    ),
    ...code.matchAll(/^\s*import\s*["']([^"']+)["']/gm),
    ...code.matchAll(/\bimport\(\s*["']([^"']+)["']/g),
    ...code.matchAll(/@ts-types=["']([^"']+)["']/g),
    ...code.matchAll(
      /new URL\(\s*["']([^"']+)["']\s*,\s*import\.meta\.url\s*\)/g,
    ),
  ];
  return found.map((one) => one[1]!);
}

for (const { folder, name } of packages()) {
  Deno.test(`${name} knows only what is to its left`, () => {
    const allowed = KNOWS[folder];
    assert(allowed, `no row for ${folder}`);
    for (const path of files(folder)) {
      for (const specifier of specifiers(Deno.readTextFileSync(ROOT + path))) {
        const other = /^@pxar\/([^/]+)/.exec(specifier)?.[1];
        if (other !== undefined) {
          assert(
            allowed.includes(other),
            `${path} imports ${specifier}, which is not to its left`,
          );
        } else if (specifier.startsWith(".")) {
          const target = new URL(specifier, `file:///${path}`).pathname.slice(
            1,
          );
          const home = folder === "" ? target : `${folder}/`;
          assert(
            target.startsWith(home),
            `${path} reaches out of its package: ${specifier}`,
          );
        } else {
          assert(
            /^(node:|npm:|@std\/|@noble\/)/.test(specifier) ||
              LIBRARIES.includes(specifier),
            `${path} imports ${specifier}, expected a package of this workspace, node:, or one of deno.json's imports`,
          );
        }
      }
    }
  });
}

Deno.test("the spine has no Deno in it, and node:fs only at first use", () => {
  for (const path of SPINE.flatMap(files)) {
    const code = Deno.readTextFileSync(ROOT + path)
      .replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
    assert(!/\bDeno\./.test(code), `${path} mentions Deno`);
    assert(
      !/^import (?!type)[^(]*["']node:/m.test(code),
      `${path} imports a node: module before it is needed`,
    );
  }
});

Deno.test("FFI is in sys alone", () => {
  for (const { folder } of packages()) {
    if (folder === "sys") continue;
    for (const path of files(folder)) {
      assert(
        !/\bDeno\.(dlopen|Unsafe)/.test(Deno.readTextFileSync(ROOT + path)),
        `${path} uses FFI`,
      );
    }
  }
});

Deno.test("every folder with a deno.json is a member, and says what is published", () => {
  const members = packages();
  const folders = [...Deno.readDirSync(ROOT)].filter((one) => one.isDirectory)
    .map((one) => one.name).filter((name) => {
      try {
        return Deno.statSync(`${ROOT}${name}/deno.json`).isFile;
      } catch {
        return false;
      }
    });
  assertEquals(
    folders.sort(),
    members.map((one) => one.folder).filter((one) => one !== "").sort(),
  );
  for (const one of members) {
    assert(
      one.include.length > 0,
      `${one.name} has no publish.include`,
    );
    assertEquals(one.version, members[0]!.version, one.name);
    assertEquals(one.name, `@pxar/${one.folder || "pxar"}`);
  }
});

Deno.test("every module that a package offers is there", () => {
  for (const { folder, modules, name } of packages()) {
    const there = files(folder);
    for (const path of modules) {
      assert(there.includes(path), `${name} offers ${path}, which is missing`);
    }
  }
});
