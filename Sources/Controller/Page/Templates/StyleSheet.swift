extension PageTemplates {
  /// Every text has a contrast of 4.5 to its background at least, every cell and part of a bar one of 3, in both colour schemes.
  static let style = """
    :root {
      color-scheme: light dark;
      --back: #ffffff; --panel: #f3f5f7; --text: #1b1f24; --quiet: #4f5963; --line: #cfd6dd; --link: #0b57a8;
      --covered: #1d7a3a; --waiting: #3568b8; --partly: #97610a; --missing: #c5221f; --exempt: #6a7380; --on: #ffffff;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --back: #14181d; --panel: #1e242b; --text: #e4e8ec; --quiet: #a7b0ba; --line: #3a434d; --link: #8ec1ff;
        --covered: #4cc06b; --waiting: #83aef5; --partly: #e0a43a; --missing: #ff8078; --exempt: #98a2ad; --on: #14181d;
      }
    }
    * { box-sizing: border-box; }
    body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); }
    a { color: var(--link); }
    :focus-visible { outline: 3px solid var(--link); outline-offset: 1px; }
    header, main, footer { max-width: 90rem; margin: 0 auto; padding: 0 1rem; }
    header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: center; padding-block: .75rem; border-bottom: 1px solid var(--line); }
    .brand { font-weight: 700; font-size: 1.2rem; text-decoration: none; color: var(--text); }
    nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; margin: 0; padding: 0; }
    [aria-current] { font-weight: 700; text-decoration-thickness: 3px; color: var(--text); }
    header form { margin-left: auto; }
    input, select, button { font: inherit; color: var(--text); background: var(--panel); border: 1px solid var(--quiet); border-radius: 4px; padding: .15rem .4rem; }
    input { width: 11rem; }
    ::placeholder { color: var(--quiet); opacity: 1; }
    button { cursor: pointer; }
    .skip { position: absolute; left: -100rem; }
    .skip:focus { position: static; }
    main:focus { outline: none; }
    h1 { font-size: 1.6rem; margin: 1rem 0 .5rem; overflow-wrap: anywhere; }
    h2 { font-size: 1.2rem; margin: 1.5rem 0 .5rem; }
    h3 { font-size: 1rem; margin: 1rem 0 .5rem; }
    .lead { font-size: 1.15rem; }
    .notice { border-left: 6px solid var(--missing); background: var(--panel); padding: .1rem 1rem; margin: 1rem 0; }
    .note, footer { color: var(--quiet); }
    footer { border-top: 1px solid var(--line); margin-top: 2rem; padding-block: .5rem 2rem; }
    .filters { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: end; margin: .5rem 0; }
    .filters label { display: flex; flex-direction: column; color: var(--quiet); }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; width: 100%; }
    th, td { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); }
    thead th { color: var(--quiet); white-space: nowrap; }
    tbody th { font-weight: 400; }
    th, td { overflow-wrap: break-word; }
    .number { text-align: right; font-variant-numeric: tabular-nums; }
    .wide { width: 40%; min-width: 10rem; }
    .detail { overflow-wrap: anywhere; min-width: 18rem; }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: .5rem 0; }
    dt { color: var(--quiet); }
    dd { margin: 0; overflow-wrap: anywhere; }
    .bar { display: block; width: 100%; height: 1.1rem; border-radius: 3px; background: var(--panel); }
    rect.covered { fill: var(--covered); } rect.waiting { fill: var(--waiting); } rect.partly { fill: var(--partly); }
    rect.missing { fill: var(--missing); } rect.exempt { fill: var(--exempt); }
    .state { padding: 0 .4rem; border-radius: 3px; color: var(--on); white-space: nowrap; }
    .state.covered, .cell.covered, .grid .covered { background: var(--covered); }
    .state.waiting, .cell.waiting, .grid .waiting { background: var(--waiting); }
    .state.partly, .cell.partly, .grid .partly { background: var(--partly); }
    .state.missing, .cell.missing, .grid .missing { background: var(--missing); }
    .state.exempt, .cell.exempt, .grid .exempt { background: var(--exempt); }
    .legend, .grid { list-style: none; padding: 0; margin: .5rem 0; display: flex; flex-wrap: wrap; }
    .legend { gap: .25rem 1.25rem; }
    .legend li { display: flex; align-items: center; gap: .4rem; }
    .cell { display: inline-block; width: 16px; height: 16px; border-radius: 3px; color: var(--on); font: 700 13px/16px sans-serif; text-align: center; }
    .grid { gap: 3px; position: relative; }
    .grid a { display: block; width: 16px; height: 16px; border-radius: 3px; color: var(--on); font: 700 13px/16px sans-serif; text-align: center; text-decoration: none; }
    /* A sign besides the colour. */
    .cell.missing::before, .grid .missing::before { content: "\\00d7"; }
    .cell.partly::before, .grid .partly::before { content: "\\2212"; }
    .cell.waiting::before, .grid .waiting::before { content: "\\00b7"; }
    .grid a b { position: absolute; left: -100rem; width: max-content; max-width: 90%; }
    .grid a:hover b, .grid a:focus b { left: 0; bottom: 100%; padding: .2rem .5rem; border-radius: 4px; background: var(--text); color: var(--back); font: 14px/1.4 system-ui, sans-serif; overflow-wrap: anywhere; text-align: left; }
    .paging ul { margin: 1rem 0; }
    .ask { border-left: 4px solid var(--line); padding-left: 1rem; margin: .75rem 0; }
    @media (prefers-reduced-motion: no-preference) { .grid a:hover { transform: scale(1.25); } }
    @media (forced-colors: active) { .grid a, .cell, .state { border: 1px solid; } rect { stroke: CanvasText; } }

    """

  static let icon = """
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#1d7a3a"/>\
    <path d="M4 8.5l3 3 5-7" fill="none" stroke="#fff" stroke-width="2"/></svg>

    """
}
