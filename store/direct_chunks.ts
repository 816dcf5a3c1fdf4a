/**
 * What other threads need to read and keep the chunks of a store by themselves, so that no chunk's bytes have to come by the main thread.
 *
 * @module
 */

/** How a thread opens the chunks of a datastore on disk; can be cloned. */
export interface DirectChunks {
  /** The store's folder. */
  readonly base: string;
  /** Owner of what is made, where that is not who runs. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** Whether each file is on its disk before it gets its name. */
  readonly sync: boolean;
  /** URL of the module whose `openKernel()` gives the kernel's calls. */
  readonly kernel: string | undefined;
  /** URL of the module whose `openNative()` gives faster libraries. */
  readonly native: string | undefined;
}
