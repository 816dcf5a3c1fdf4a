import { FormatError } from "@pxar/format/errors";
import {
  compareNamespaces,
  isBelow,
  namespaceChild,
  namespaceDepth,
  namespaceParent,
  namespacePath,
  parseNamespace,
  parseNamespacePath,
} from "@pxar/store/namespace";
import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { NAMES, type NamespaceCase, NAMESPACES, SAFE_IDS } from "./names.ts";
import { compare, takes } from "./vectors.ts";

function told(namespace: string): NamespaceCase {
  const path = namespacePath(namespace);
  return {
    depth: namespaceDepth(namespace),
    display: namespace,
    nameLength: namespace.length,
    path,
    pathLength: path.length,
  };
}

Deno.test("parseNamespace() reads what PBS reads, and tells the same of it", () => {
  compare(NAMES.namespace, (text) => told(parseNamespace(text)));
});

Deno.test("parseNamespace() takes what the schema of PBS takes, but for what its parser refuses", () => {
  const refused = new Set(
    NAMES.namespace.filter(({ result }) => "error" in result)
      .map(({ text }) => text),
  );
  for (const [text, schema] of NAMES.namespaceSchema) {
    const wanted = schema && !refused.has(text);
    assertEquals(takes(parseNamespace, text), wanted, JSON.stringify(text));
  }
});

Deno.test("parseNamespacePath() reads what PBS reads, but no slash at the end", () => {
  compare(NAMES.namespacePath, (text) => told(parseNamespacePath(text)), {
    "ns/a/": "would not come out as it went in",
  });
});

Deno.test("namespaces come back from their paths, parents and parts", () => {
  fc.assert(fc.property(NAMESPACES, (namespace) => {
    assertEquals(parseNamespace(namespace), namespace);
    assertEquals(parseNamespacePath(namespacePath(namespace)), namespace);
    const parent = namespaceParent(namespace);
    if (parent === undefined) return assertEquals(namespace, "");
    assertEquals(namespaceDepth(parent), namespaceDepth(namespace) - 1);
    const part = namespace.split("/").at(-1)!;
    assertEquals(namespaceChild(parent, part), namespace);
    assert(isBelow(namespace, parent));
    assert(!isBelow(parent, namespace));
    assert(isBelow(namespace, ""));
  }));
  assertEquals(namespaceParent("a"), "");
  assertEquals(namespaceParent("a/b"), "a");
});

Deno.test("isBelow() does not take a beginning for a parent", () => {
  assert(!isBelow("ab", "a"));
  assert(!isBelow("a", "a"));
  assert(!isBelow("", ""));
  assert(isBelow("a/b/c", "a"));
});

Deno.test("namespaceChild() refuses what is more than one part, and what is too deep", () => {
  for (const part of ["", "b/c", "..", ".b", "b\n"]) {
    assertThrows(() => namespaceChild("a", part), FormatError, "part");
  }
  assertThrows(() => namespaceChild("a/b/c/d/e/f/g", "h"), FormatError, "7");
  assertThrows(
    () => namespaceChild("a".repeat(200), "b".repeat(56)),
    FormatError,
    "256",
  );
});

Deno.test("compareNamespaces() puts each directly before those below it", () => {
  const sorted = ["", "a", "a/b", "a/b/c", "a/c", "a-b", "a-b/c", "b"];
  assertEquals([...sorted].reverse().sort(compareNamespaces), sorted);
  fc.assert(fc.property(fc.array(NAMESPACES), SAFE_IDS, (list, part) => {
    const all = list.flatMap((one) =>
      namespaceDepth(one) < 7 ? [one, namespaceChild(one, part)] : [one]
    ).sort(compareNamespaces);
    for (const above of all) {
      const below = all.map((one) => one === above || isBelow(one, above));
      const first = below.indexOf(true), last = below.lastIndexOf(true);
      assert(below.slice(first, last + 1).every(Boolean));
      assertEquals(all[first], above);
    }
  }));
});
