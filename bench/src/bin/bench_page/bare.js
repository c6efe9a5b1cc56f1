// The least that shows a history: as many messages in a database of its own, by their time. Reads the newest and draws them.

const open = () => new Promise((resolve, reject) => {
  const request = indexedDB.open('bare', 1);
  request.onupgradeneeded = () => request.result.createObjectStore('messages');
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

window.bareFill = async (count) => {
  const database = await open();
  const transaction = database.transaction('messages', 'readwrite');
  const store = transaction.objectStore('messages');
  for (let number = 0; number < count; number++) {
    store.put({ author: `Author ${number % 50}`, time: number, text: `What author ${number % 50} says` }, number);
  }
  await new Promise((resolve) => { transaction.oncomplete = resolve; });
  database.close();
};

window.bareShow = async (newest) => {
  const start = performance.now();
  const database = await open();
  const store = database.transaction('messages').objectStore('messages');
  const messages = await new Promise((resolve) => {
    const found = [];
    const cursor = store.openCursor(null, 'prev');
    cursor.onsuccess = () => {
      if (cursor.result && found.length < newest) {
        found.unshift(cursor.result.value);
        cursor.result.continue();
      } else {
        resolve(found);
      }
    };
  });
  const list = document.body.appendChild(document.createElement('div'));
  for (const message of messages) {
    const row = list.appendChild(document.createElement('article'));
    row.appendChild(document.createElement('b')).textContent = message.author;
    row.appendChild(document.createElement('p')).textContent = message.text;
  }
  // Laid out.
  list.getBoundingClientRect();
  const shown = performance.now() - start;
  list.remove();
  database.close();
  return shown;
};
