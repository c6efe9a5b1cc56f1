// Keeps files of rooms in the browser's origin-private file system (File System Standard §2), where a worker reads and writes without a copy on the
// way. The page starts it when the first file is stored or read.
//
// A message is [operation, path, ...]; the answers come in the same order: [value], or [undefined, the error's name]. A path is that of a file, or
// begins the paths of many.

// A file that nobody used for so long is closed: another tab that forgets the room can remove it then.
const IDLE_MILLIS = 1000;
// What another tab still holds is tried again: so often, and so long apart.
const TRIES = 30;
const PAUSE_MILLIS = 100;

const open = new Map();

const folder = async (names) => {
  let found = await navigator.storage.getDirectory();
  for (const name of ["files", ...names]) {
    found = await found.getDirectoryHandle(name, { create: true });
  }
  return found;
};

const file = async (path) => {
  const names = path.split("/");
  const name = names.pop();
  return (await folder(names)).getFileHandle(name, { create: true });
};

// Tries until no other tab is in the way.
const patiently = async (act) => {
  for (let left = TRIES; ; left--) {
    try {
      return await act();
    } catch (error) {
      if (error.name !== "NoModificationAllowedError" || left === 0) {
        throw error;
      }
      await new Promise((done) => setTimeout(done, PAUSE_MILLIS));
    }
  }
};

const access = async (path) => {
  let entry = open.get(path);
  if (!entry) {
    const handle = await file(path);
    entry = { held: await patiently(() => handle.createSyncAccessHandle()) };
    open.set(path, entry);
  }
  entry.isUsed = true;
  return entry.held;
};

const close = (chosen) => {
  for (const [path, entry] of open) {
    if (chosen(path, entry)) {
      open.delete(path);
      entry.held.close();
    }
  }
};

setInterval(() => {
  close((path, entry) => !entry.isUsed);
  for (const entry of open.values()) {
    entry.isUsed = false;
  }
}, IDLE_MILLIS);

const operations = {
  async write(path, at, bytes) {
    const handle = await access(path);
    if (handle.write(bytes, { at }) !== bytes.length) {
      throw new DOMException("", "QuotaExceededError");
    }
  },
  async read(path, at, length) {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, (await access(path)).read(bytes, { at }));
  },
  // All of a file, which stays on disk.
  async whole(path) {
    close((open) => open === path);
    return (await file(path)).getFile();
  },
  async forget(path) {
    close((open) => `${open}/`.startsWith(`${path}/`));
    const names = path.split("/");
    const name = names.pop();
    const parent = await folder(names);
    await patiently(() => parent.removeEntry(name, { recursive: true })).catch((error) => {
      if (error.name !== "NotFoundError") {
        throw error;
      }
    });
  },
};

let last = Promise.resolve();
self.onmessage = ({ data: [operation, ...rest] }) => {
  last = last
    .then(() => operations[operation](...rest))
    .then(
      (value) => self.postMessage([value], value && value.buffer ? [value.buffer] : []),
      (error) => self.postMessage([undefined, error.name]),
    );
};
