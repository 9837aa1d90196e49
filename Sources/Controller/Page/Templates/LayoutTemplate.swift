extension PageTemplates {
  /// What all views have around their content.
  static let layout = """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta name="referrer" content="no-referrer">
    <title>{{title}} – Rollcall</title>
    <link rel="icon" href="{{folder}}icon.svg">
    <link rel="stylesheet" href="{{folder}}style.css">
    <script src="{{folder}}script.js" defer></script>
    </head>
    <body>
    <a class="skip" href="#main">Skip to the content</a>
    <header>
    <a class="brand" href="{{home}}">Rollcall</a>
    <nav aria-label="Views"><ul>
    {{#views}}<li><a href="{{url}}"{{#current}} aria-current="page"{{/current}}>{{label}}</a></li>
    {{/views}}</ul></nav>
    <form role="search" action="{{folder}}search"><label>Find <input type="search" id="find" name="q" value="{{find}}"></label> <button>Find</button></form>
    </header>
    <main id="main" tabindex="-1">
    <h1>{{title}}</h1>
    {{#notices}}<section class="notice" aria-label="{{title}}"><h2>{{title}}</h2><ul>{{#lines}}<li>{{.}}</li>{{/lines}}</ul></section>
    {{/notices}}{{$content}}{{/content}}
    </main>
    <footer>
    <p id="clock">As of <time datetime="{{time.datetime}}">{{time.text}}</time>{{#relay}}, from the replica that leads; asked by {{relay}}, which does not{{/relay}}.</p>
    <p>Rollcall {{version}}. Rolls are called every {{interval}}; a container is a gap after {{threshold}}. For programs:
    <a href="{{apiCoverage}}">coverage</a>, <a href="{{apiGaps}}">gaps</a>, <a href="{{apiNodes}}">nodes</a>, <a href="{{metrics}}">metrics</a>,
    <a href="{{readiness}}">readiness</a>.</p>
    </footer>
    </body>
    </html>

    """

  static let message = """
    {{<layout}}{{$content}}
    {{#lines}}<p>{{.}}</p>
    {{/lines}}{{/content}}{{/layout}}
    """
}
