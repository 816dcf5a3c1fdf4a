/**
 * A store far away: a Proxmox Backup Server. So far only its address is here.
 *
 * @example
 * ```ts
 * import { formatRepository, parseRepository, serverAddress } from "@pxar/pbs";
 *
 * const repository = parseRepository("backup@pbs!laptop@pbs.example.org:store");
 * formatRepository(repository); // "backup@pbs!laptop@pbs.example.org:8007:store"
 * repository.kind === "server" && serverAddress(repository).port; // 8007
 * ```
 *
 * @module
 */
export * from "./repository.ts";
