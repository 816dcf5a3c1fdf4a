// Base64 as key files have it: the standard alphabet, written with padding, read with or without it, and nothing else in between.
import type { Bytes } from "@pxar/format/bytes";

/** Bytes as text, with padding. */
export function base64Text(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Text as bytes; `undefined` if it has a letter of another alphabet, a line break, wrong padding, or bits that belong to no byte. */
export function parseBase64(text: string): Bytes | undefined {
  const letters = text.replace(/={1,2}$/, "");
  if (letters.length !== text.length && text.length % 4 !== 0) return undefined;
  if (!/^[A-Za-z0-9+/]*$/.test(letters) || letters.length % 4 === 1) {
    return undefined;
  }
  const binary = atob(letters);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return base64Text(bytes).startsWith(letters) ? bytes : undefined;
}
