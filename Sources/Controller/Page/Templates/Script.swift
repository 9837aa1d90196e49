extension PageTemplates {
  /// What the page does with scripts besides: it updates itself, its cells are walked with the arrow keys, and a choice applies at once.
  static let script = #"""
    'use strict';

    const period = 15000;
    let paused = false;

    // Whether an update would take something from under somebody's hands.
    function isBusy() {
      const active = document.activeElement;
      return paused || document.hidden || Boolean(active && active.closest('main form')) || Boolean(getSelection() && String(getSelection()));
    }

    // The same element after an update: by its address, or else its id.
    function counterpart(old, main) {
      if (!old || !main.contains(old)) return () => null;
      const href = old.getAttribute('href');
      if (href) return () => [...main.querySelectorAll('a')].find((link) => link.getAttribute('href') === href);
      const label = old.getAttribute('aria-label');
      if (label) return () => [...main.querySelectorAll('[aria-label]')].find((part) => part.getAttribute('aria-label') === label);
      return () => null;
    }

    async function update(isWanted) {
      if (!isWanted && isBusy()) return;
      const clock = document.getElementById('clock');
      try {
        const response = await fetch(location.href, { headers: { Accept: 'text/html' }, cache: 'no-store' });
        const fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
        const main = document.getElementById('main');
        const other = fresh.getElementById('main');
        if (!other || (!isWanted && isBusy())) return;
        const find = counterpart(document.activeElement, main);
        main.replaceChildren(...document.adoptNode(other).childNodes);
        prepare(main);
        const again = find();
        if (again) again.focus({ preventScroll: true });
        const time = fresh.getElementById('clock');
        if (time) clock.replaceChildren(...document.adoptNode(time).childNodes);
      } catch (error) {
        clock.textContent = 'Rollcall does not answer; what is shown may be old.';
      }
    }

    function button(label, action) {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = label;
      button.addEventListener('click', () => action(button));
      return button;
    }

    // Beside the time, which updates replace.
    function offerUpdates() {
      const buttons = document.createElement('p');
      buttons.id = 'updates';
      buttons.append(button('Update now', () => update(true)), ' ', button('Stop updating', (pause) => {
        paused = !paused;
        pause.textContent = paused ? 'Go on updating' : 'Stop updating';
      }));
      document.getElementById('clock').after(buttons);
    }

    // One tab stop for a grid; the arrow keys, Home and End move in it.
    function prepareGrid(grid) {
      const cells = [...grid.querySelectorAll('a')];
      cells.forEach((cell, index) => { cell.tabIndex = index === 0 ? 0 : -1; });
      function columns() {
        const top = cells[0].offsetTop;
        const next = cells.findIndex((cell) => cell.offsetTop !== top);
        return next < 0 ? cells.length : next;
      }
      grid.addEventListener('focusin', (event) => {
        const cell = event.target.closest('a');
        if (!cell) return;
        for (const other of grid.querySelectorAll('a[tabindex="0"]')) other.tabIndex = -1;
        cell.tabIndex = 0;
      });
      grid.addEventListener('keydown', (event) => {
        const index = cells.indexOf(event.target.closest('a'));
        if (index < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
        const moves = {
          ArrowRight: () => index + 1, ArrowLeft: () => index - 1, ArrowDown: () => index + columns(), ArrowUp: () => index - columns(),
          Home: () => 0, End: () => cells.length - 1,
        };
        const move = moves[event.key];
        if (!move) return;
        event.preventDefault();
        const next = cells[move()];
        if (next) next.focus();
      });
    }

    function prepare(root) {
      root.querySelectorAll('.grid').forEach(prepareGrid);
      root.querySelectorAll('.filters select').forEach((select) => {
        select.addEventListener('change', () => select.form.requestSubmit());
      });
      // Short addresses: an empty field says nothing.
      root.querySelectorAll('form').forEach((form) => {
        form.addEventListener('submit', () => {
          for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
        });
      });
    }

    document.addEventListener('keydown', (event) => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea')) return;
      event.preventDefault();
      document.getElementById('find').focus();
    });

    // A page that comes back from the browser's history has its fields again.
    addEventListener('pageshow', () => {
      for (const field of document.querySelectorAll('form :disabled')) field.disabled = false;
    });

    prepare(document);
    offerUpdates();
    setInterval(() => update(false), period);

    """#
}
