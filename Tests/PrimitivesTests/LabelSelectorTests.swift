import Primitives
import Testing

struct LabelSelectorTests {
  static let labels = ["type": "virtual-kubelet", "kubernetes.io/os": "linux", "empty": "", "cores": "16"]

  @Test(arguments: [
    ("type=virtual-kubelet", true), ("type==virtual-kubelet", true), ("type = other", false), ("type!=other", true), ("missing!=x", true),
    ("type", true), ("missing", false), ("!missing", true), ("!type", false), ("type=virtual-kubelet,kubernetes.io/os=windows", false),
    ("type in (a, virtual-kubelet),kubernetes.io/os", true), ("type notin (virtual-kubelet)", false), ("empty=", true), ("missing=", false),
    ("empty in (a,)", true), ("empty in (,a)", true), ("empty in (a,,b)", true), ("empty in ()", true), ("type in ()", false),
    ("missing in (a,)", false), ("empty notin (a,)", false), ("missing notin (a,)", true), ("cores>8", true), ("cores > 16", false),
    ("cores<17,cores>15", true), ("cores < 16", false), ("type>1", false), ("missing<1", false), ("empty=,type", true),
    ("type in(virtual-kubelet)", true), ("in", false), ("!in", true), ("in notin (in)", true), ("type notin (in)", true),
    ("\ttype =\nvirtual-kubelet", true),
  ])
  func `selects objects by their labels`(text: String, expected: Bool) throws {
    #expect(try #require(LabelSelector(text)).matches(Self.labels) == expected)
  }

  @Test(arguments: [
    "", " ", ",", "a=b,", "a,,b", "=b", "a in b", "a in", "a notin", "a in (b c)", "a in ((b))", "a like (b)", "a>", "a>x", "a<1.5", "a>-1",
    "a>1>2", "!a>1", "!!a", "!", "a/b/c", "/a", "a/", "A/b=c", "-a", "a=-b", "a=b-", "a in (b-)", "é", "a=é", "a!", "()", "a b", "type=a b",
    "a=b=c", "(a)", "a!==b", "a===b", "!a=b", "a=!b", "a b=c",
    "a in (b", "a in b)", "a in (b),",
  ])
  func `R85: refuses text that is not a selector`(text: String) {
    #expect(LabelSelector(text) == nil)
  }

  @Test func `names and values have at most 63 bytes`() {
    let longest = String(repeating: "a", count: 63)
    #expect(LabelSelector("x.y/\(longest)=\(longest)") != nil)
    #expect(LabelSelector("a\(longest)") == nil && LabelSelector("a=a\(longest)") == nil)
    #expect(LabelSelector.isLabel(key: "a", value: "") && !LabelSelector.isLabel(key: "", value: "a"))
    #expect(!LabelSelector.isLabel(key: "a", value: "b,c"))
  }
}
