// The thread that writes small files, sets their time and closes them; started by small_file_thread.ts, which sends it the ring and where the contents lie.
import { ERRNO } from "@pxar/sys/errno";
import { openLibc } from "@pxar/sys/libc";
import { SmallFileRing } from "./small_file_ring.ts";
import { Maker } from "./maker.ts";

/** What this thread needs to know: the contents lie in the memory of the process, where the other thread put them. */
export interface SmallFileTask {
  /** Memory of the ring. */
  readonly ring: SharedArrayBuffer;
  /** Address of the first slot's content. */
  readonly contents: number;
  /** How far the slots' contents lie from one another, bytes. */
  readonly stride: number;
}

addEventListener("message", (event) => {
  const { ring, contents, stride } =
    (event as MessageEvent<SmallFileTask>).data;
  const libc = openLibc();
  if (libc === undefined) return close();
  const maker = new Maker(libc);

  const write = (fd: number, from: number, length: number): number => {
    for (let done = 0; done < length;) {
      const wrote = maker.write(fd, from + done, length - done);
      if (wrote === -ERRNO.EINTR) continue;
      if (wrote < 0) return wrote;
      done += wrote;
    }
    return 0;
  };

  new SmallFileRing(ring).take((slot, { fd, length, secs, nanos }, closed) => {
    closed.write = write(fd, contents + slot * stride, length);
    closed.times = Math.min(0, maker.times(fd, secs, nanos));
    closed.close = Math.min(0, maker.close(fd));
  });
  close();
});
