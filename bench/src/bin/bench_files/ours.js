// What is done to our page from outside, as a person would do it, and what is read off it.
const now = () => performance.timeOrigin + performance.now();

// The sender offers a file that nobody has seen before.
window.sendFile = (name, bytes, seed) => {
  const content = new Uint32Array(bytes / 4);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < content.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    content[i] = state;
  }
  const data = new DataTransfer();
  data.items.add(new File([content], name, { type: 'application/octet-stream' }));
  const box = document.querySelector('input[type=file]');
  box.files = data.files;
  box.dispatchEvent(new Event('change', { bubbles: true }));
};

// `textContent`, not `innerText`: what is looked at so often is not laid out for that.
const log = () => document.querySelector('[role=log]');
const card = (name) => [...log().querySelectorAll('[role=group]')].find((card) => card.ariaLabel === name);
window.isOffered = (name) => card(name) !== undefined;

// The receiver wants it, and notes how long it took until all of it was verified and stored.
window.fetchFile = (name) => {
  window.took = undefined;
  const button = [...card(name).querySelectorAll('button')].find((button) => button.innerText.trim() === 'Download');
  const started = performance.now();
  const observer = new MutationObserver(() => {
    if (!card(name)?.textContent.includes('complete')) return;
    window.took = performance.now() - started;
    observer.disconnect();
  });
  observer.observe(log(), { subtree: true, childList: true, characterData: true });
  button.click();
};

window.latencies = [];
const seen = new Set();
window.startListening = () => {
  window.listening = new MutationObserver(() => {
    for (const [text, sent] of log().textContent.matchAll(/ping (\d+\.\d+)/g)) {
      if (!seen.has(text)) window.latencies.push(now() - Number(sent));
      seen.add(text);
    }
  });
  window.listening.observe(log(), { subtree: true, childList: true });
};
window.stopListening = () => window.listening.disconnect();

const say = (text) => {
  const box = document.querySelector('.composer textarea');
  box.value = text;
  box.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
};
window.startTalking = (every) => (window.talking = setInterval(() => say(`ping ${now().toFixed(3)}`), every));
window.stopTalking = () => clearInterval(window.talking);
