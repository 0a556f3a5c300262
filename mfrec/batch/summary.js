"use strict";
const words = document.getElementById("words");
const rows = [...document.querySelectorAll("#cases tr")];
const texts = rows.map((row) => row.textContent.toLowerCase());
words.addEventListener("input", () => {
  const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  rows.forEach((row, i) => {
    row.hidden = !wanted.every((word) => texts[i].includes(word));
    count += row.hidden ? 0 : 1;
  });
  document.getElementById("shown").textContent = wanted.length ? `${count} of ${rows.length}` : "";
});
