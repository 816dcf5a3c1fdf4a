/**
 * Who a group belongs to: a user, or a token of a user.
 *
 * @module
 */
import { FormatError } from "@pxar/format/errors";
import { isSafeId } from "./safe_id.ts";
import { shown } from "./shown.ts";

const USER_NAME = /^[^\p{White_Space}\p{Cc}:/]+$/u;

/** A user or a token. */
export interface AuthId {
  /** The user's name; may hold `@` and `!`, but no blank, control character, `:` or `/`. */
  readonly name: string;
  /** Where the user is known, such as `pam` or `pbs`; a safe id of 2 to 32 characters. */
  readonly realm: string;
  /** The token's name, a safe id; `undefined` for the user. */
  readonly token: string | undefined;
}

/** Who is meant where nobody is named: `root@pam`. */
export const ROOT_USER: AuthId = {
  name: "root",
  realm: "pam",
  token: undefined,
};

/**
 * Reads a user or a token.
 *
 * Source: protocol spec A.2.
 *
 * @param text `NAME@REALM` or `NAME@REALM!TOKEN`.
 * @returns The user or token.
 * @throws {FormatError} If it is neither.
 */
export function parseAuthId(text: string): AuthId {
  // The last of `@` and `!` tells: a name may hold both, realms and tokens neither.
  const mark = text.lastIndexOf("!");
  const at = text.lastIndexOf("@");
  const token = mark > at ? text.slice(mark + 1) : undefined;
  if (token !== undefined && !isSafeId(token)) refuse(text, "token", token);
  const user = token === undefined ? text : text.slice(0, mark);
  if (at < 0) refuse(text, "realm", "");
  const name = user.slice(0, at), realm = user.slice(at + 1);
  if (!USER_NAME.test(name)) refuse(text, "name", name);
  if (!(realm.length >= 2 && realm.length <= 32 && isSafeId(realm))) {
    refuse(text, "realm", realm);
  }
  return { name, realm, token };
}

/**
 * A user or token as text.
 *
 * @param authId The user or token.
 * @returns `NAME@REALM` or `NAME@REALM!TOKEN`.
 */
export function authIdText(authId: AuthId): string {
  const user = `${authId.name}@${authId.realm}`;
  return authId.token === undefined ? user : `${user}!${authId.token}`;
}

/**
 * Reads a group's `owner` file: its first line, without the blanks behind it.
 *
 * Source: spec E.3.
 *
 * @param text What is in the file.
 * @returns Whom the group belongs to.
 * @throws {FormatError} If that line is no user or token.
 */
export function parseOwner(text: string): AuthId {
  const end = text.indexOf("\n");
  return parseAuthId((end < 0 ? text : text.slice(0, end)).trimEnd());
}

/**
 * What a group's `owner` file holds.
 *
 * Source: spec E.3.
 *
 * @param owner Whom the group belongs to.
 * @returns One line.
 */
export function ownerText(owner: AuthId): string {
  return `${authIdText(owner)}\n`;
}

/**
 * Whether somebody may back up into a group: its owner, and the user whose token owns it; no token of the owner.
 *
 * Source: protocol spec A.2.
 *
 * @param owner Whom the group belongs to.
 * @param authId Who wants to.
 * @returns Whether that is allowed.
 */
export function mayBackUp(owner: AuthId, authId: AuthId): boolean {
  return owner.name === authId.name && owner.realm === authId.realm &&
    (authId.token === undefined || authId.token === owner.token);
}

function refuse(text: string, what: string, part: string): never {
  throw new FormatError(
    `Cannot take user ${shown(text)}: its ${what} is ${
      shown(part)
    }, expected NAME@REALM or NAME@REALM!TOKEN, such as root@pam`,
  );
}
