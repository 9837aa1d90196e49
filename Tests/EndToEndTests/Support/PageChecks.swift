/// Checks of a page in a browser, as bodies of functions. Each returns what is wrong.
enum PageChecks {
  /// Computes contrasts by WCAG 2.2 (relative luminance, sRGB).
  private static let contrast = """
    const channel = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    const parts = (color) => color.match(/[\\d.]+/g).map(Number);
    const luminance = ([red, green, blue]) => 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
    const contrast = (one, other) => {
      const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
      return (high + 0.05) / (low + 0.05);
    };
    const backOf = (element) => {
      for (let part = element; part; part = part.parentElement) {
        const color = parts(getComputedStyle(part).backgroundColor);
        if (color.length === 3 || color[3] === 1) return color;
      }
      return [255, 255, 255];
    };

    """

  /// Texts and values of fields with a contrast below 4.5 to 1.
  static let faintTexts =
    contrast + """
      const faint = [];
      const elements = [...document.querySelectorAll('body *')].filter((element) => {
        const hasText = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
        return (hasText || element.matches('input, select')) && !element.closest('svg, option, datalist') && element.getClientRects().length;
      });
      for (const element of elements) {
        const found = contrast(parts(getComputedStyle(element).color), backOf(element));
        if (found < 4.5) faint.push(`${element.tagName} ${element.className} ${element.textContent.slice(0, 40)}: ${found.toFixed(2)}`);
      }
      return elements.length > 10 ? faint : ['no texts'];
      """

  /// Cells and parts of bars with a contrast below 3 to 1 to the page, and signs on cells below 4.5.
  static let faintCells =
    contrast + """
      const faint = [];
      const page = backOf(document.body);
      for (const cell of document.querySelectorAll('.grid a, .cell')) {
        const style = getComputedStyle(cell);
        if (contrast(parts(style.backgroundColor), page) < 3 || contrast(parts(style.color), parts(style.backgroundColor)) < 4.5) faint.push(cell.className);
      }
      for (const part of document.querySelectorAll('rect')) if (contrast(parts(getComputedStyle(part).fill), page) < 3) faint.push(part.getAttribute('class'));
      return [...new Set(faint)];
      """

  /// Landmarks, headings, names of controls, headers of tables, and identifiers.
  static let structure = """
    const wrong = [];
    const count = (selector, number) => {
      const found = document.querySelectorAll(selector).length;
      if (found !== number) wrong.push(`${found} of ${selector}`);
    };
    count('html[lang=en]', 1); count('body > header', 1); count('main', 1); count('body > footer', 1); count('h1', 1);
    count('[role=search]', 1); count('img', 0); count('[style]', 0); count('style', 0); count('script:not([src])', 0);
    for (const field of document.querySelectorAll('input, select')) if (!field.labels.length) wrong.push(`no label: ${field.name}`);
    for (const part of document.querySelectorAll('nav, form.filters, [role=region], svg[role=img]')) {
      if (!part.getAttribute('aria-label')) wrong.push(`no name: ${part.outerHTML.slice(0, 60)}`);
    }
    for (const section of document.querySelectorAll('section[aria-labelledby]')) {
      if (!document.getElementById(section.getAttribute('aria-labelledby'))) wrong.push('no heading of a section');
    }
    for (const link of document.querySelectorAll('a')) if (!link.textContent.trim()) wrong.push(`no text: ${link.outerHTML}`);
    for (const table of document.querySelectorAll('table')) {
      const columns = [...table.tHead.rows[0].cells];
      if (!columns.length || columns.some((cell) => cell.tagName !== 'TH' || cell.scope !== 'col')) wrong.push('a column without a header');
      for (const row of table.tBodies[0].rows) {
        const cells = [...row.cells].reduce((sum, cell) => sum + cell.colSpan, 0);
        if (cells !== columns.length) wrong.push(`${cells} cells below ${columns.length} headers`);
        if (cells === row.cells.length && !row.querySelector('th[scope=row]')) wrong.push('a row without a header');
      }
    }
    const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
    if (new Set(ids).size !== ids.length) wrong.push('an id twice');
    if (document.documentElement.scrollWidth > document.documentElement.clientWidth) wrong.push('wider than the window');
    return wrong;
    """
}
