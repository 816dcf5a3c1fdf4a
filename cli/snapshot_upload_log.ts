/**
 * `pxar snapshot upload-log`: puts a log beside a snapshot.
 *
 * @module
 */
import { joinBlob, MAX_BLOB, sealBlob } from "@pxar/chunk/blob";
import type { CryptKey } from "@pxar/chunk/key";
import { KeyError } from "@pxar/format/errors";
import { CRYPT_MODES, type CryptMode } from "@pxar/store/manifest";
import { type Command, command } from "./command.ts";
import {
  KEY_OPTIONS,
  NAMESPACE,
  SNAPSHOT,
  STORE_OPTIONS,
} from "./common_options.ts";
import { EXIT, UsageError } from "./exits.ts";
import {
  defaultKeyFile,
  type KeyChoice,
  keyFor,
  namedKey,
} from "./key_choice.ts";
import type { Choice } from "./options.ts";
import { openStore } from "./open_store.ts";
import { snapshotOf } from "./store_names.ts";
import { Voice } from "./voice.ts";
import { readWhole } from "./whole_file.ts";

const CRYPT_MODE: Choice<CryptMode> = {
  kind: "choice",
  choices: CRYPT_MODES,
  help: "whether it is encrypted (default: encrypt where there is a key)",
};

/** The command. */
export const COMMAND: Command = command({
  name: "snapshot upload-log",
  summary: "Put a log beside a snapshot",
  operands: [SNAPSHOT, {
    name: "LOG",
    help: "the file; - is standard input",
  }],
  options: {
    ...STORE_OPTIONS,
    ns: NAMESPACE,
    ...KEY_OPTIONS,
    "crypt-mode": CRYPT_MODE,
  },
  notes:
    `A snapshot has one log, client.log. It can be put there once. With a key, or
where there is a default key, it is encrypted.`,
  examples: [
    {
      run: "pxar snapshot upload-log host/elsa/2023-11-14T22:13:20Z run.log",
      does: "keeps what the backup said",
    },
    {
      run:
        "pxar upload-log host/elsa/2023-11-14T22:13:20Z run.log --crypt-mode none",
      does: "the same, readable without a key",
    },
  ],
  run: async ({ options, operands: [text, path] }) => {
    const snapshot = snapshotOf(text!, options.ns);
    const key = await keyOf(options);
    const log = readWhole(path!, MAX_BLOB);
    const store = await openStore(options, new Voice(false));
    const { codecs } = store;
    const blob = joinBlob(await sealBlob(log, { codecs, key }));
    await store.uploadLog(snapshot, blob);
    return EXIT.done;
  },
});

/** What encrypts it. Source: protocol spec F.3. */
async function keyOf(
  options: KeyChoice & {
    readonly "crypt-mode": CryptMode | undefined;
  },
): Promise<CryptKey | undefined> {
  const mode = options["crypt-mode"];
  if (mode === "none") {
    if (options.keyfile === undefined && options.keyfd === undefined) {
      return undefined;
    }
    throw new UsageError(
      "Cannot use --crypt-mode none with a key: expected one of them",
    );
  }
  // A log has no signature: with a key that only signs, it stays as it is.
  if (mode === "sign-only") {
    const named = await namedKey(options);
    if (named === undefined && defaultKeyFile() === undefined) {
      throw noKey(mode);
    }
    return undefined;
  }
  const key = await keyFor(options, true);
  if (key === undefined && mode === "encrypt") throw noKey(mode);
  return key;
}

function noKey(mode: CryptMode): KeyError {
  return new KeyError(
    `Cannot use --crypt-mode ${mode}: there is no default key, expected --keyfile or --keyfd`,
  );
}
