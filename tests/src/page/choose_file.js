// Gives a text as a file to a box for files.
const [selector, text] = arguments;
const data = new DataTransfer();
data.items.add(new File([text], "file"));
const box = document.querySelector(selector);
box.files = data.files;
box.dispatchEvent(new Event("change", { bubbles: true }));
