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

// That the browser lets us have no such file system is told by a name of its own, and can be told only as long as nothing was done.
let root;
const origin = async () => {
  try {
    root = root || (await navigator.storage.getDirectory());
  } catch {
    throw new DOMException("", "NoFileSystem");
  }
  return root;
};

const folder = async (names, create) => {
  let found = await origin();
  for (const name of ["files", ...names]) {
    found = await found.getDirectoryHandle(name, { create });
  }
  return found;
};

const file = async (path, create) => {
  const names = path.split("/");
  const name = names.pop();
  return (await folder(names, create)).getFileHandle(name, { create });
};

// What is not there is nothing.
const ifThere = (found) =>
  found.catch((error) => {
    if (error.name !== "NotFoundError") {
      throw error;
    }
  });

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

const access = async (path, create) => {
  let entry = open.get(path);
  if (!entry) {
    const handle = await file(path, create);
    entry = { held: await patiently(() => handle.createSyncAccessHandle()) };
    open.set(path, entry);
  }
  entry.isUsed = true;
  return entry.held;
};

const close = (chosen, isKept) => {
  for (const [path, entry] of open) {
    if (chosen(path, entry)) {
      open.delete(path);
      try {
        if (isKept) {
          entry.held.flush();
        }
      } finally {
        entry.held.close();
      }
    }
  }
};

setInterval(() => {
  try {
    close((path, entry) => !entry.isUsed, true);
  } catch {
    // What did not get to the disk is missed when it is read, and fetched again.
  }
  for (const entry of open.values()) {
    entry.isUsed = false;
  }
}, IDLE_MILLIS);

const operations = {
  async write(path, at, bytes) {
    const handle = await access(path, true);
    if (handle.write(bytes, { at }) !== bytes.length) {
      throw new DOMException("", "QuotaExceededError");
    }
  },
  async read(path, at, length) {
    const handle = await ifThere(access(path, false));
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, handle ? handle.read(bytes, { at }) : 0);
  },
  // All of a file, which stays on disk.
  async whole(path) {
    close((open) => open === path, true);
    const found = await ifThere(file(path, false));
    return found && found.getFile();
  },
  async forget(path) {
    close((open) => `${open}/`.startsWith(`${path}/`), false);
    const names = path.split("/");
    const name = names.pop();
    const parent = await ifThere(folder(names, false));
    if (parent) {
      await ifThere(patiently(() => parent.removeEntry(name, { recursive: true })));
    }
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
