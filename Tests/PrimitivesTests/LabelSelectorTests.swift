import Primitives
import Testing

struct LabelSelectorTests {
  static let labels = ["type": "virtual-kubelet", "kubernetes.io/os": "linux", "empty": ""]

  @Test(arguments: [
    ("type=virtual-kubelet", true), ("type==virtual-kubelet", true), ("type = other", false), ("type!=other", true), ("missing!=x", true),
    ("type", true), ("missing", false), ("!missing", true), ("!type", false), ("type=virtual-kubelet,kubernetes.io/os=windows", false),
    ("type in (a, virtual-kubelet),kubernetes.io/os", true), ("type notin (virtual-kubelet)", false), ("empty=", true), ("missing=", false),
  ])
  func `selects objects by their labels`(text: String, expected: Bool) throws {
    #expect(try #require(LabelSelector(text)).matches(Self.labels) == expected)
  }

  @Test(arguments: [
    "", ",", "a=b,", "=b", "a in b", "a in ()", "a like (b)", "a b", "type=a b", "a=b=c", "(a)", "a!==b", "a===b", "!a=b", "a=!b", "a b=c",
    "a in (b", "a in b)", "a in (b),",
  ])
  func `refuses text that is not a selector`(text: String) {
    #expect(LabelSelector(text) == nil)
  }
}
