// A real tree with all metadata, and what it looks like.
import { run } from "../transfer/tools.ts";

/** Makes a folder `t` with everything that tar can hold. */
export const MAKE = `
mkdir -p t/sub/deep t/long && cd t
printf 'text\\n' > file; chmod 4755 file
setfattr -n user.text -v 'x=y' file; setfattr -n user.bytes -v 0x00ff0a3d file; setfattr -n user.empty file
setfattr -n trusted.own -v t sub
setfacl -m u:1234:rw,g:5678:r,m:rwx file; setfacl -d -m u:4321:rwx sub
printf 'x' > "$(printf 'n\\377\\376')"; printf 'y' > 'ä ö'; printf 'z' > "$(printf 'new\\nline')"
touch "long/$(printf 'l%.0s' $(seq 200))"
ln file sub/link; ln -s "$(printf 's%.0s' $(seq 150))" long/symlink; ln -s ../file sub/deep/up
mknod null c 1 3; mknod disk b 259 70000; mkfifo -m 620 fifo
chown 3000000:4000000 sub/deep; chown -h 7:8 sub/deep/up
touch -d '1969-12-31 23:59:58.25Z' long; touch -d '2023-11-14 22:13:20.123456789Z' 'ä ö'
head -c 300000 /dev/urandom > large; cp large cap; 
setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 cap
touch -d '2001-02-03 04:05:06.7Z' sub file .
`;
const LOOK = `
find . -printf '%P|%y|%m|%U|%G|%T@|%n|%l\\n' | LC_ALL=C sort
getfattr -R -h -d -m - -e hex . 2>/dev/null
find . -type b -o -type c | LC_ALL=C sort | xargs stat -c '%n %t:%T'
find . -type f -exec sha256sum {} + | LC_ALL=C sort
`;

/** Looks at a folder: metadata of everything in it. */
export async function look(path: string): Promise<string> {
  return await run("sh", ["-c", LOOK], path);
}

/** What making and looking needs. */
export const NEEDS = ["root", "acl", "attr"] as const;
