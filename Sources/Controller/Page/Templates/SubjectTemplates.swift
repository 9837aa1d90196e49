// The views of one node, one workload and one container.

extension PageTemplates {
  static let node = """
    {{<layout}}{{$content}}
    <p class="lead"><span class="state {{state}}">{{stateLabel}}</span> {{sentence}}.</p>
    {{#bar}}{{>bar}}{{/bar}}
    <dl><dt>Source</dt><dd>{{source}}</dd><dt>Address</dt><dd>{{address}}</dd><dt>Ready</dt><dd>{{ready}}</dd>
    {{#.scraped}}<dt>Last scraped</dt><dd><time datetime="{{datetime}}">{{text}} ago</time></dd>{{/.scraped}}
    {{#.exemption}}<dt>Exempt</dt><dd>{{.}}</dd>{{/.exemption}}
    {{#.addressHolder}}<dt>Not called</dt><dd>another Node has its address: <a href="{{url}}">{{text}}</a></dd>{{/.addressHolder}}
    </dl>
    {{#notes}}<p class="note">{{.}}</p>
    {{/notes}}<p><a href="{{gapsURL}}">Gaps of this node</a></p>
    <section aria-labelledby="containers"><h2 id="containers">Containers</h2>
    {{#isEmpty}}<p>There is none.</p>{{/isEmpty}}
    {{^isEmpty}}{{>containerTable}}{{/isEmpty}}
    {{#paging}}{{>paging}}{{/paging}}</section>
    <section aria-labelledby="lastended"><h2 id="lastended">Last ended gaps</h2>
    {{>endedTable}}
    {{#hasEnded}}<p><a href="{{historyURL}}">All that are kept</a></p>{{/hasEnded}}</section>
    {{/content}}{{/layout}}
    """

  static let workload = """
    {{<layout}}{{$content}}
    <p class="lead"><span class="state {{state}}">{{stateLabel}}</span> {{sentence}}, in {{pods}} Pods.</p>
    {{#bar}}{{>bar}}{{/bar}}
    <p><a href="{{gapsURL}}">Gaps of this workload</a></p>
    {{#isJudged}}<section aria-labelledby="scrapes"><h2 id="scrapes">Scrapes</h2>
    <div class="scroll" role="region" aria-label="Scrapes" tabindex="0"><table>
    <thead><tr><th scope="col">Asked for by</th><th scope="col">Outcome</th><th scope="col" class="number">Containers</th>
    <th scope="col">Reason</th><th scope="col">For example</th><th scope="col">Detail</th></tr></thead>
    <tbody>
    {{#scrapes}}<tr><th scope="row">{{by}}</th><td>{{outcome}}</td><td class="number">{{count}}</td>
    <td>{{#.reason}}{{>reason}}{{/.reason}}</td><td>{{#.example}}<a href="{{url}}">{{text}}</a>{{/.example}}</td>
    <td class="detail">{{detail}}</td></tr>
    {{/scrapes}}{{^scrapes}}<tr><td colspan="6">No container of it asks to be scraped.</td></tr>{{/scrapes}}</tbody></table></div></section>{{/isJudged}}
    <section aria-labelledby="containers"><h2 id="containers">Containers</h2>
    {{>containerTable}}
    {{#paging}}{{>paging}}{{/paging}}</section>
    {{/content}}{{/layout}}
    """

  static let container = """
    {{<layout}}{{$content}}
    <section aria-labelledby="collection"><h2 id="collection">Collection</h2>
    <dl><dt>State</dt><dd><span class="state {{state}}">{{stateLabel}}</span></dd>
    {{#.gap}}<dt>Gap since</dt><dd><time datetime="{{datetime}}">{{text}} ago</time></dd>{{/.gap}}
    {{#.collected}}<dt>Last collected</dt><dd><time datetime="{{datetime}}">{{text}} ago</time></dd>{{/.collected}}
    {{#.due}}<dt>Due</dt><dd><time datetime="{{datetime}}">since {{text}}</time></dd>{{/.due}}
    {{#.reason}}<dt>Reason</dt><dd>{{>reason}}</dd>{{/.reason}}
    {{#.detail}}<dt>Detail</dt><dd class="detail">{{.}}</dd>{{/.detail}}
    {{#.advice}}<dt>Check first</dt><dd>{{.}}</dd>{{/.advice}}
    <dt>Node</dt><dd>{{#.node}}<a href="{{url}}">{{text}}</a>{{/.node}}{{^.node}}not scheduled{{/.node}}</dd>
    {{#.source}}<dt>Source</dt><dd>{{.}}</dd>{{/.source}}
    <dt>Workload</dt><dd>{{#workload}}<a href="{{url}}">{{text}}</a>{{/workload}}</dd>
    <dt>Phase of the Pod</dt><dd>{{phase}}</dd></dl></section>
    {{#hasPolicies}}<section aria-labelledby="policies"><h2 id="policies">Policies</h2>
    <table><thead><tr><th scope="col">Effect</th><th scope="col">Value</th><th scope="col">Decided by</th></tr></thead><tbody>
    {{#policies}}<tr><th scope="row">{{effect}}</th><td>{{value}}</td><td>{{policy}}</td></tr>
    {{/policies}}</tbody></table></section>{{/hasPolicies}}
    {{#isJudged}}<section aria-labelledby="chain"><h2 id="chain">Scrapes</h2>
    {{#asks}}<section class="ask" aria-label="{{by}}"><h3>{{by}}: <span class="state {{outcomeState}}">{{outcome}}</span></h3>
    <div class="scroll" role="region" aria-label="Links of {{by}}" tabindex="0"><table>
    <thead><tr><th scope="col">Link</th><th scope="col">State</th><th scope="col">What was found</th></tr></thead>
    <tbody>
    {{#links}}<tr><th scope="row">{{link}}</th><td><span class="state {{coverage}}">{{linkState}}</span></td><td class="detail">{{linkText}}</td></tr>
    {{/links}}</tbody></table></div>
    {{#.cause}}<dl><dt>Reason</dt><dd>{{#why}}{{>reason}}{{/why}}</dd><dt>Detail</dt><dd class="detail">{{causeDetail}}</dd><dt>Fix</dt><dd>{{fix}}</dd></dl>{{/.cause}}
    {{^isGap}}{{#.cause}}<p>This is no gap by the settings and the policies.</p>{{/.cause}}{{/isGap}}
    {{#lagging}}<p class="note">{{scraper}} does not scrape it: {{lag}}</p>
    {{/lagging}}</section>
    {{/asks}}
    {{#.missing}}<p>Nothing asks for a scrape of it.</p>
    <dl><dt>Reason</dt><dd>{{#why}}{{>reason}}{{/why}}</dd><dt>Detail</dt><dd class="detail">{{causeDetail}}</dd><dt>Fix</dt><dd>{{fix}}</dd></dl>{{/.missing}}
    {{#.nearest}}<p>The monitor that comes closest: {{.}}</p>{{/.nearest}}
    <p>Target pages: {{#scrapers}}{{#.url}}<a href="{{.}}" rel="noreferrer">{{name}}</a> {{/.url}}{{^.url}}{{name}} {{/.url}}{{/scrapers}}{{^scrapers}}no scraper is known{{/scrapers}}</p>
    </section>{{/isJudged}}
    <section aria-labelledby="lastended"><h2 id="lastended">Last ended gaps</h2>
    {{>endedTable}}</section>
    <section aria-labelledby="siblings"><h2 id="siblings">Other containers of the Pod</h2>
    <ul>{{#siblings}}<li><a href="{{url}}">{{text}}</a></li>{{/siblings}}{{^siblings}}<li>There is none.</li>{{/siblings}}</ul></section>
    {{/content}}{{/layout}}
    """
}
