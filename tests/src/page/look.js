// Reads what the page shows: by role and accessible name where there are some, else by the parts of one article or item.
const text = (root, selector) => root.querySelector(selector)?.textContent.trim() ?? null;
const all = (selector) => [...document.querySelectorAll(selector)];
const described = (element) =>
  (element.getAttribute('aria-describedby') ?? '')
    .split(/\s+/)
    .map((id) => (id && document.getElementById(id)?.textContent) || '')
    .join(' ')
    .trim();
return {
  title: document.title,
  visibility: document.visibilityState,
  heading: text(document, 'h1'),
  rooms: all('nav[aria-label=Rooms] a:not([aria-label])').map((room) => ({
    name: text(room, 'bdi') ?? '',
    unread: text(room, '.count'),
    shown: room.getAttribute('aria-current') === 'page',
  })),
  topic: document.querySelector('[role=group][aria-label=Topic]')?.textContent ?? '',
  typing: document.querySelector('.room .typing')?.textContent.replace(/[\u2068\u2069]/g, '') ?? '',
  pinned: all('[aria-label="Pinned messages"] button').map((message) => message.textContent),
  people: all('[role=list][aria-label=People] > li').map((item) => ({
    name: text(item, 'bdi') ?? '',
    you: item.textContent.includes('(you)'),
    state: text(item, '.person-state') ?? '',
    throughOthers: item.querySelector('.person-state')?.title === 'Reached through others',
    fingerprint: text(item, '.fingerprint') ?? '',
  })),
  messages: all('[role=log][aria-label=Messages] article').map((article) => ({
    author: text(article, '.author') ?? '',
    text: article.querySelector('.message-text')?.textContent ?? '',
    whisper: text(article, '.whisper-label'),
    delivery: text(article, '.delivery'),
    quote: text(article, '.quote'),
    former: [...article.querySelectorAll('details.edited > p')].map((former) => former.textContent),
    reactions: [...article.querySelectorAll('[aria-label=Reactions] button')].map((one) => one.getAttribute('aria-label')),
  })),
  connection: text(document, '[role=status][aria-label=Connection]'),
  network: all('section[aria-label=Network]').map((region) => ({
    says: [...region.querySelectorAll('p')].map((line) => line.textContent.trim()),
    map: region.querySelectorAll('[role=img][aria-label="Network map"]').length === 1,
    links: [...region.querySelectorAll('table[aria-label=Links] tbody tr')].map((row) => {
      const [person, kind, roundTrip, since, messages] = [...row.cells].map((cell) => cell.textContent.trim());
      return { person, kind, roundTrip, since, messages };
    }),
  }))[0] ?? null,
  notices: all('[role=alert], [role=status]:not([aria-label=Connection])').map((notice) => ({
    role: notice.getAttribute('role'),
    text: notice.textContent.trim(),
  })),
  fields: all('input:not([type]), input[type=text], input[type=search], textarea').map((field) => ({
    name: field.getAttribute('aria-label') ?? field.labels[0]?.textContent ?? '',
    value: field.value,
    invalid: field.getAttribute('aria-invalid') === 'true',
    focused: document.activeElement === field,
    description: described(field),
  })),
};
