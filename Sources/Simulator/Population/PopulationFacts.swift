/// What an exporter has to know of a population's node to speak for it.
package struct PopulationNode: Sendable {
  package var name: String
  /// An address of this machine, another one for each node.
  package var address: String

  package struct Container: Sendable {
    package var namespace: String
    package var pod: String
    package var name: String
    /// As the runtime has it, without the runtime's name in front.
    package var id: String

    package init(namespace: String, pod: String, name: String, id: String) {
      self.namespace = namespace
      self.pod = pod
      self.name = name
      self.id = id
    }
  }
}

extension Population {
  func node(at number: Int) -> PopulationNode {
    let texts = GeneratedNode(number: number).texts
    return PopulationNode(name: texts.nodeName, address: texts.text(.nodeAddress))
  }

  /// The containers that run on the node now.
  func runningContainers(onNode number: Int) -> [PopulationNode.Container] {
    pods(onNode: number).flatMap { pod in
      let texts = pod.texts
      return zip(PodTemplate.containerNames, [PatternField.firstContainer, .secondContainer])
        .dropFirst(pod.isWaiting ? 1 : 0)
        .map { name, field in
          PopulationNode.Container(namespace: texts.text(.namespace), pod: texts.podName, name: name, id: texts.text(field))
        }
    }
  }
}
