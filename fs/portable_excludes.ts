/**
 * A directory's file of patterns, by Deno's own API.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import { excludeFileProblem } from "./place.ts";

/**
 * Reads it, through a symlink too.
 *
 * @param path Where it is, if there is one.
 * @returns What is in it, or what is wrong with it.
 * @throws {Deno.errors.NotFound} If there is none.
 * @throws {Error} Whatever else Deno throws, if it cannot be read.
 */
export function readExcludeFile(path: string): Bytes | string {
  const { isFile, size } = Deno.statSync(path);
  return excludeFileProblem(isFile, size) ?? Deno.readFileSync(path);
}
