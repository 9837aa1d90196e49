extension PageTemplates {
  /// What several views have.
  static let parts = [
    ("bar", bar), ("grid", grid), ("paging", paging), ("reason", reason), ("endedTable", endedTable), ("containerTable", containerTable),
  ]

  /// Attributes of SVG need no style in the document, which the content security policy would not allow.
  private static let bar = """
    <svg class="bar" viewBox="0 0 {{total}} 10" preserveAspectRatio="none" role="img" aria-label="{{label}}">
    {{#rectangles}}<rect class="{{state}}" x="{{x}}" y="0" width="{{width}}" height="10"/>{{/rectangles}}</svg>
    """

  private static let grid = """
    <ul class="legend" aria-label="Colours">{{#legend}}<li><span class="cell {{state}}" aria-hidden="true"></span> {{label}}: {{count}}</li>
    {{/legend}}</ul>
    {{^isEmpty}}<p class="skipgrid"><a class="skip" href="#aftergrid">Skip the cells</a></p>
    <ul class="grid" aria-label="One cell for each">
    {{#cells}}<li><a class="{{state}}" href="{{url}}"><b>{{text}}</b></a></li>
    {{/cells}}</ul>{{/isEmpty}}
    <p id="aftergrid" tabindex="-1">{{#paging}}{{from}} to {{to}} of {{total}} {{what}}.{{/paging}}</p>
    {{#paging}}{{>paging}}{{/paging}}
    """

  private static let paging = """
    {{#hasOthers}}<nav class="paging" aria-label="Pages"><ul>
    {{#firstURL}}<li><a href="{{firstURL}}">First</a></li>{{/firstURL}}
    {{#previousURL}}<li><a href="{{previousURL}}" rel="prev">Previous</a></li>{{/previousURL}}
    <li>Page {{number}} of {{last}}</li>
    {{#nextURL}}<li><a href="{{nextURL}}" rel="next">Next</a></li>{{/nextURL}}
    {{#lastURL}}<li><a href="{{lastURL}}">Last</a></li>{{/lastURL}}
    </ul></nav>{{/hasOthers}}
    """

  private static let reason = """
    <a href="{{runbook}}" title="Runbook" rel="noreferrer">{{reason}}</a>
    """

  private static let endedTable = """
    {{^hasEnded}}<p>None is known.</p>{{/hasEnded}}
    {{#hasEnded}}<div class="scroll" role="region" aria-label="Ended gaps" tabindex="0"><table>
    <thead><tr><th scope="col">Ended</th><th scope="col">Container</th><th scope="col">Workload</th><th scope="col">Node</th>
    <th scope="col">Kind</th><th scope="col">Reason</th><th scope="col">Length</th><th scope="col">End</th></tr></thead>
    <tbody>
    {{#ended}}<tr><td>{{#ended}}<time datetime="{{datetime}}">{{text}}</time>{{/ended}}</td>
    <th scope="row">{{#container}}<a href="{{url}}">{{text}}</a>{{/container}}{{#.others}} and {{others}} more{{/.others}}</th>
    <td>{{#.workload}}<a href="{{url}}">{{text}}</a>{{/.workload}}</td><td>{{#node}}<a href="{{url}}">{{text}}</a>{{/node}}</td>
    <td>{{kind}}</td><td>{{#.reason}}{{>reason}}{{/.reason}}</td><td>{{length}}</td><td>{{end}}</td></tr>
    {{/ended}}</tbody></table></div>{{/hasEnded}}
    """

  private static let containerTable = """
    <div class="scroll" role="region" aria-label="Containers" tabindex="0"><table>
    <thead><tr><th scope="col">Container</th><th scope="col">Workload</th><th scope="col">Node</th><th scope="col">State</th>
    <th scope="col">Collected</th><th scope="col">Gap since</th><th scope="col">Reason</th><th scope="col">Detail</th></tr></thead>
    <tbody>
    {{#containers}}<tr><th scope="row">{{#container}}<a href="{{url}}">{{text}}</a>{{/container}}</th>
    <td>{{#.workload}}<a href="{{url}}">{{text}}</a>{{/.workload}}</td><td>{{#node}}<a href="{{url}}">{{text}}</a>{{/node}}</td>
    <td><span class="state {{state}}">{{stateLabel}}</span></td>
    <td>{{#.collected}}<time datetime="{{datetime}}">{{text}} ago</time>{{/.collected}}</td>
    <td>{{#.gap}}<time datetime="{{datetime}}">{{text}} ago</time>{{/.gap}}</td>
    <td>{{#.reason}}{{>reason}}{{/.reason}}</td><td class="detail">{{detail}}</td></tr>
    {{/containers}}</tbody></table></div>
    """
}
