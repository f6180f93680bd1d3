// Comfort only: without this script everything is readable, the filters are hidden.
(() => {
  "use strict";
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const find = (id) => document.getElementById(id);
  document.documentElement.classList.add("script");

  // Filters of "Your share". A duty shows as long as one of its subjects does.
  const duties = all("#duties .duty").map((element) => ({
    element,
    severity: element.dataset.sev,
    status: element.closest(".group").dataset.status,
    words: (element.querySelector("summary").textContent + all(".in-duty > p", element).map((p) => p.textContent).join(" ")).toLowerCase(),
    subjects: all(".subjects > li", element).map((item) => ({
      item,
      words: item.textContent.toLowerCase(),
      clusters: (item.dataset.c || "").split(" "),
    })),
  }));
  const total = duties.reduce((sum, duty) => sum + duty.subjects.length, 0);
  let cluster = "";

  function filter() {
    if (!find("find")) return; // nothing is open, accepted or unknown
    const ticked = (name) => new Set(all(`input[name=${name}]:checked`).map((box) => box.value));
    const severities = ticked("sev"), statuses = ticked("status");
    const text = find("find").value.trim().toLowerCase();
    let shown = 0;
    for (const duty of duties) {
      const wanted = severities.has(duty.severity) && statuses.has(duty.status);
      const head = !text || duty.words.includes(text);
      let left = 0;
      for (const subject of duty.subjects) {
        const here = !cluster || !subject.clusters[0] || subject.clusters.includes(cluster);
        const show = wanted && here && (head || subject.words.includes(text));
        subject.item.hidden = !show;
        left += show;
      }
      duty.element.hidden = !left;
      shown += left;
    }
    for (const group of all("#duties .group")) group.hidden = !group.querySelector(".duty:not([hidden])");
    document.querySelector(".shown").textContent =
      shown === total ? `All ${total} shown` : `${shown} of ${total} shown`;
  }
  for (const box of all(".filters input")) box.addEventListener("input", filter);

  // One cluster alone: one rule hides what belongs to others, however many elements that is.
  const picker = find("cluster");
  if (picker) {
    const sheet = document.styleSheets[0];
    let rule = false;
    const cells = all(".matrix .c").map((element) => ({
      element,
      states: all("[data-n]", element.closest("details")).map((item) => [item.dataset.c, item.dataset.n.split(" ").map(Number)]),
    }));
    const names = ["open", "accepted", "met", "unknown"];
    picker.addEventListener("change", () => {
      cluster = picker.value;
      if (rule) sheet.deleteRule(sheet.cssRules.length - 1);
      rule = Boolean(cluster);
      if (rule) sheet.insertRule(`[data-c]:not([data-c~="${Number(cluster)}"]) { display: none !important; }`, sheet.cssRules.length);
      for (const cell of cells) {
        const sums = [0, 0, 0, 0];
        for (const [id, numbers] of cell.states) if (!cluster || id === cluster) numbers.forEach((number, i) => { sums[i] += number; });
        cell.element.textContent = "";
        names.forEach((name, i) => {
          if (!sums[i]) return;
          const part = document.createElement(i ? "span" : "em");
          part.textContent = `${sums[i]} ${name}`;
          cell.element.append(cell.element.firstChild ? ", " : "", part);
        });
      }
      const label = find("matrix-of");
      if (label) label.textContent = cluster ? picker.selectedOptions[0].textContent : "all clusters";
      const own = cluster && find(`cluster-${cluster}`);
      if (own) own.open = true;
      filter();
    });
  }
  filter();

  // Fold and unfold a section.
  for (const button of all("button[data-fold]")) {
    button.addEventListener("click", () => {
      const section = button.closest("section");
      for (const details of all("details", section)) details.open = button.dataset.fold === "open";
    });
  }

  // A link into something folded unfolds it.
  const reveal = () => {
    const target = location.hash && find(decodeURIComponent(location.hash.slice(1)));
    for (let element = target; element; element = element.parentElement) if (element.tagName === "DETAILS") element.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();

  // On paper nothing is folded.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("details:not([open])");
    for (const details of folded) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of folded) details.open = false;
  });
})();
