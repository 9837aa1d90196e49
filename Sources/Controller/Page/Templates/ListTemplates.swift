// The views with lists: what is missing, and what there is.

extension PageTemplates {
  /// A choice of the filter form. The view has its options as `NAMEOptions`.
  /// - Parameter hasAll: the first choice is not to filter by it.
  private static func select(_ label: String, _ name: String, hasAll: Bool = true) -> String {
    """
    <label>\(label) <select name="\(name)">\(hasAll ? "<option value=\"\">all</option>" : "")
    {{#\(name)Options}}<option value="{{value}}"{{#selected}} selected{{/selected}}>{{label}}</option>
    {{/\(name)Options}}</select></label>
    """
  }

  static let overview = """
    {{<layout}}{{$content}}
    <p class="lead">Containers on {{nodeCount}} nodes: {{sentence}}.</p>
    {{#bar}}{{>bar}}{{/bar}}
    <section aria-labelledby="sources"><h2 id="sources">By source</h2>
    <div class="scroll" role="region" aria-label="By source" tabindex="0"><table>
    <thead><tr><th scope="col">Source</th><th scope="col">Coverage</th><th scope="col" class="number">Nodes</th>
    <th scope="col" class="number">Expected</th><th scope="col" class="number">Covered</th><th scope="col" class="number">Not yet</th>
    <th scope="col" class="number">Gaps</th><th scope="col" class="number">Exempt</th></tr></thead>
    <tbody>
    {{#sources}}<tr><th scope="row">{{source}}</th><td class="wide">{{#bar}}{{>bar}}{{/bar}}</td>
    <td class="number"><a href="{{nodesURL}}">{{nodes}}</a></td><td class="number">{{expected}}</td><td class="number">{{covered}}</td>
    <td class="number">{{waiting}}</td><td class="number"><a href="{{gapsURL}}">{{gaps}}</a></td><td class="number">{{exempt}}</td></tr>
    {{/sources}}</tbody></table></div></section>
    <section aria-labelledby="reasons"><h2 id="reasons">Gaps by reason</h2>
    {{^hasGaps}}<p>No container is missing.</p>{{/hasGaps}}
    {{#hasGaps}}<div class="scroll" role="region" aria-label="Gaps by reason" tabindex="0"><table>
    <thead><tr><th scope="col">Reason</th><th scope="col" class="number">Gaps</th><th scope="col">What to check first</th></tr></thead>
    <tbody>
    {{#reasons}}<tr><th scope="row">{{>reason}}</th><td class="number"><a href="{{url}}">{{count}}</a></td><td>{{advice}}</td></tr>
    {{/reasons}}</tbody></table></div>{{/hasGaps}}</section>
    {{#scrapes}}<section aria-labelledby="scrapes"><h2 id="scrapes">Scrapes</h2>
    <p>{{scraped}} of {{asked}} that are asked for happen, {{broken}} do not; {{reached}} of {{known}} scrapers reached.
    Of {{unknown}} nothing is known, and {{waiting}} take their time.</p>
    {{/scrapes}}{{#hasScrapers}}<div class="scroll" role="region" aria-label="Scrapers" tabindex="0"><table>
    <thead><tr><th scope="col">Scraper</th><th scope="col" class="number">Targets</th><th scope="col">Problem</th></tr></thead>
    <tbody>
    {{#scrapers}}<tr><th scope="row">{{#.url}}<a href="{{.}}" rel="noreferrer">{{name}}</a>{{/.url}}{{^.url}}{{name}}{{/.url}}</th>
    <td class="number">{{targets}}</td><td class="detail">{{.problem}}</td></tr>
    {{/scrapers}}</tbody></table></div>
    {{#hasMoreScrapers}}<p>And {{moreScrapers}} more.</p>{{/hasMoreScrapers}}{{/hasScrapers}}{{#scrapes}}</section>{{/scrapes}}
    <section id="grid" aria-labelledby="cells"><h2 id="cells">{{#isOfWorkloads}}Workloads{{/isOfWorkloads}}{{^isOfWorkloads}}Nodes{{/isOfWorkloads}}</h2>
    <p><a href="{{gridNodesURL}}"{{^isOfWorkloads}} aria-current="true"{{/isOfWorkloads}}>A cell for each node</a> ·
    <a href="{{gridWorkloadsURL}}"{{#isOfWorkloads}} aria-current="true"{{/isOfWorkloads}}>A cell for each workload</a></p>
    {{#grid}}{{>grid}}{{/grid}}</section>
    <section aria-labelledby="lastended"><h2 id="lastended">Last ended gaps</h2>
    {{>endedTable}}
    {{#hasEnded}}<p><a href="{{historyURL}}">All that are kept</a></p>{{/hasEnded}}</section>
    {{/content}}{{/layout}}
    """

  static let gaps = """
    {{<layout}}{{$content}}
    <form class="filters" aria-label="Filter">
    <label>Name has <input name="q" value="{{q}}"></label>
    <label>Namespace <input name="namespace" value="{{namespace}}"></label>
    <label>Workload <input name="workload" value="{{workload}}" placeholder="Deployment/web"></label>
    <label>Node <input name="node" value="{{node}}"></label>
    \(select("Source", "source"))
    \(select("Kind", "kind"))
    \(select("Reason", "reason"))
    \(select("Order", "sort", hasAll: false))
    <button>Apply</button>{{#isFiltered}} <a href="{{clearURL}}">Show all</a>{{/isFiltered}}
    </form>
    {{#paging}}<p>{{from}} to {{to}} of {{total}} gaps{{#isFiltered}} that match{{/isFiltered}}.</p>{{/paging}}
    {{#hasReasons}}<p>{{#reasons}}<a href="{{url}}">{{reason}}</a> {{count}} {{/reasons}}</p>{{/hasReasons}}
    {{^isEmpty}}<div class="scroll" role="region" aria-label="Gaps" tabindex="0"><table>
    <thead><tr><th scope="col"{{#isByContainer}} aria-sort="ascending"{{/isByContainer}}><a href="{{sortContainer}}">Container</a></th>
    <th scope="col">Workload</th>
    <th scope="col"{{#isByNode}} aria-sort="ascending"{{/isByNode}}><a href="{{sortNode}}">Node</a></th>
    <th scope="col">Source</th><th scope="col">Kind</th>
    <th scope="col"{{#isByOldest}} aria-sort="descending"{{/isByOldest}}{{#isByNewest}} aria-sort="ascending"{{/isByNewest}}><a href="{{sortAge}}">Age</a></th>
    <th scope="col"{{#isByReason}} aria-sort="ascending"{{/isByReason}}><a href="{{sortReason}}">Reason</a></th>
    <th scope="col">Detail</th></tr></thead>
    <tbody>
    {{#gaps}}<tr><th scope="row">{{#container}}<a href="{{url}}">{{text}}</a>{{/container}}</th>
    <td>{{#.workload}}<a href="{{url}}">{{text}}</a>{{/.workload}}</td>
    <td>{{#node}}<a href="{{url}}">{{text}}</a>{{/node}}</td><td>{{source}}</td><td>{{kind}}</td>
    <td>{{#age}}<time datetime="{{datetime}}">{{text}}</time>{{/age}}</td><td>{{#reason}}{{>reason}}{{/reason}}</td>
    <td class="detail">{{detail}}</td></tr>
    {{/gaps}}</tbody></table></div>{{/isEmpty}}
    {{#paging}}{{>paging}}{{/paging}}
    {{/content}}{{/layout}}
    """

  static let nodes = """
    {{<layout}}{{$content}}
    <form class="filters" aria-label="Filter">
    <label>Name has <input name="q" value="{{q}}"></label>
    \(select("Source", "source"))
    \(select("State", "state"))
    \(select("Order", "sort", hasAll: false))
    \(select("As a", "list", hasAll: false))
    <button>Apply</button> <a href="{{clearURL}}">Show all</a>
    </form>
    {{#isEmpty}}<p>No node matches.</p>{{/isEmpty}}
    {{#grid}}{{>grid}}{{/grid}}
    {{#isTable}}<div class="scroll" role="region" aria-label="Nodes" tabindex="0"><table>
    <thead><tr><th scope="col">Node</th><th scope="col">State</th><th scope="col">Source</th><th scope="col">Address</th>
    <th scope="col">Ready</th><th scope="col" class="number">Expected</th><th scope="col" class="number">Covered</th>
    <th scope="col" class="number">Gaps</th><th scope="col" class="number">Exempt</th><th scope="col">Notes</th></tr></thead>
    <tbody>
    {{#rows}}<tr><th scope="row">{{#node}}<a href="{{url}}">{{text}}</a>{{/node}}</th><td><span class="state {{state}}">{{stateLabel}}</span></td>
    <td>{{source}}</td><td>{{address}}</td><td>{{ready}}</td><td class="number">{{expected}}</td><td class="number">{{covered}}</td>
    <td class="number">{{gaps}}</td><td class="number">{{exempt}}</td><td class="detail">{{notes}}</td></tr>
    {{/rows}}</tbody></table></div>{{#paging}}{{>paging}}{{/paging}}{{/isTable}}
    {{/content}}{{/layout}}
    """

  static let workloads = """
    {{<layout}}{{$content}}
    <form class="filters" aria-label="Filter">
    <label>Name has <input name="q" value="{{q}}"></label>
    <label>Namespace <input name="namespace" value="{{namespace}}" list="namespaces"></label>
    <datalist id="namespaces">{{#namespaces}}<option value="{{.}}">{{/namespaces}}</datalist>
    \(select("State", "state"))
    \(select("Order", "sort", hasAll: false))
    \(select("As a", "list", hasAll: false))
    <button>Apply</button> <a href="{{clearURL}}">Show all</a>
    </form>
    {{#isEmpty}}<p>No workload matches.</p>{{/isEmpty}}
    {{#grid}}{{>grid}}{{/grid}}
    {{#isTable}}<div class="scroll" role="region" aria-label="Workloads" tabindex="0"><table>
    <thead><tr><th scope="col">Workload</th><th scope="col">Namespace</th><th scope="col">State</th><th scope="col" class="number">Pods</th>
    <th scope="col" class="number">Expected</th><th scope="col" class="number">Covered</th><th scope="col" class="number">Gaps</th>
    <th scope="col" class="number">Exempt</th></tr></thead>
    <tbody>
    {{#rows}}<tr><th scope="row">{{#workload}}<a href="{{url}}">{{text}}</a>{{/workload}}</th><td>{{namespace}}</td>
    <td><span class="state {{state}}">{{stateLabel}}</span></td><td class="number">{{pods}}</td><td class="number">{{expected}}</td>
    <td class="number">{{covered}}</td><td class="number">{{gaps}}</td><td class="number">{{exempt}}</td></tr>
    {{/rows}}</tbody></table></div>{{#paging}}{{>paging}}{{/paging}}{{/isTable}}
    {{/content}}{{/layout}}
    """

  static let history = """
    {{<layout}}{{$content}}
    <form class="filters" aria-label="Filter">
    <label>Name has <input name="q" value="{{q}}"></label>
    <label>Namespace <input name="namespace" value="{{namespace}}"></label>
    <label>Node <input name="node" value="{{node}}"></label>
    \(select("Source", "source"))
    \(select("Kind", "kind"))
    \(select("Reason", "reason"))
    <button>Apply</button> <a href="{{clearURL}}">Show all</a>
    </form>
    {{#paging}}<p>{{from}} to {{to}} of {{total}} {{what}}. The last {{limit}} are kept, also over a restart; gaps of one node that ended
    together for one reason are one entry.</p>{{/paging}}
    {{>endedTable}}
    {{#paging}}{{>paging}}{{/paging}}
    {{/content}}{{/layout}}
    """

  static let search = """
    {{<layout}}{{$content}}
    {{#isEmpty}}<p>{{hint}}</p>{{/isEmpty}}
    {{#hasNodes}}<section aria-labelledby="foundnodes"><h2 id="foundnodes">Nodes: {{nodeCount}}</h2>
    <table><thead><tr><th scope="col">Node</th><th scope="col">Source</th><th scope="col">State</th></tr></thead><tbody>
    {{#nodes}}<tr><th scope="row">{{#node}}<a href="{{url}}">{{text}}</a>{{/node}}</th><td>{{source}}</td>
    <td><span class="state {{state}}">{{stateLabel}}</span></td></tr>
    {{/nodes}}</tbody></table><p><a href="{{moreNodesURL}}">All of them</a></p></section>{{/hasNodes}}
    {{#hasWorkloads}}<section aria-labelledby="foundworkloads"><h2 id="foundworkloads">Workloads: {{workloadCount}}</h2>
    <table><thead><tr><th scope="col">Workload</th><th scope="col">Namespace</th><th scope="col">State</th></tr></thead><tbody>
    {{#workloads}}<tr><th scope="row">{{#workload}}<a href="{{url}}">{{text}}</a>{{/workload}}</th><td>{{namespace}}</td>
    <td><span class="state {{state}}">{{stateLabel}}</span></td></tr>
    {{/workloads}}</tbody></table><p><a href="{{moreWorkloadsURL}}">All of them</a></p></section>{{/hasWorkloads}}
    {{#hasContainers}}<section aria-labelledby="foundcontainers"><h2 id="foundcontainers">Containers: {{containerCount}}</h2>
    {{>containerTable}}<p>At most {{shown}} are shown.</p></section>{{/hasContainers}}
    {{/content}}{{/layout}}
    """
}
