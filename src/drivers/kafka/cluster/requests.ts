/**
 * Every request that we make, with its number and its versions whose arguments and answers are those
 * written below, newest first. The oldest of them are those of Kafka 3.7.
 * @see https://kafka.apache.org/protocol#protocol_messages
 */
export const requests = {
  produce: { key: 0, versions: [11, 10, 9] },
  fetch: { key: 1, versions: [17, 16, 15, 13] },
  listOffsets: { key: 2, versions: [9, 8, 7] },
  metadata: { key: 3, versions: [12] },
  offsetCommit: { key: 8, versions: [9, 8] },
  offsetFetch: { key: 9, versions: [9, 8] },
  findCoordinator: { key: 10, versions: [6, 5, 4] },
  joinGroup: { key: 11, versions: [9] },
  heartbeat: { key: 12, versions: [4] },
  leaveGroup: { key: 13, versions: [5] },
  syncGroup: { key: 14, versions: [5] },
  describeGroups: { key: 15, versions: [5] },
  listGroups: { key: 16, versions: [5, 4] },
  apiVersions: { key: 18, versions: [3] },
  createTopics: { key: 19, versions: [7] },
  deleteTopics: { key: 20, versions: [6] },
  deleteRecords: { key: 21, versions: [2] },
  initProducerId: { key: 22, versions: [5, 4] },
  describeConfigs: { key: 32, versions: [4] },
  createPartitions: { key: 37, versions: [3] },
  deleteGroups: { key: 42, versions: [2] },
  offsetDelete: { key: 47, versions: [0] },
} as const

export type RequestName = keyof typeof requests

interface Partitions<T> {
  readonly name: string
  readonly partitions: readonly T[]
}

interface Numbered {
  readonly partitionIndex: number
  readonly errorCode: number
}

export interface ProducedPartition {
  readonly index: number
  readonly errorCode: number
  readonly baseOffset: bigint
  readonly errorMessage: string | null
  readonly recordErrors: readonly {
    readonly batchIndex: number
    readonly batchIndexErrorMessage: string | null
  }[]
}

export interface ClientRecord {
  readonly timestampDelta: bigint
  readonly offsetDelta: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [Buffer, Buffer | null])[]
}

export interface RecordBatch {
  readonly firstOffset: bigint
  /** Of the batch as it came. */
  readonly length: number
  readonly lastOffsetDelta: number
  readonly firstTimestamp: bigint
  readonly maxTimestamp: bigint
  readonly attributes: number
  readonly producerId: bigint
  readonly records: readonly ClientRecord[]
}

export interface FetchedPartition extends Numbered {
  readonly highWatermark: bigint
  readonly logStartOffset: bigint
  readonly abortedTransactions:
    | readonly {
        readonly producerId: bigint
        readonly firstOffset: bigint
      }[]
    | null
  readonly records: readonly RecordBatch[] | null
}

export interface CommittedPartition extends Numbered {
  /** -1: none. */
  readonly committedOffset: bigint
  readonly metadata: string | null
}

export interface ListedPartition extends Numbered {
  /** -1: none. */
  readonly offset: bigint
  readonly timestamp: bigint
}

export interface MetadataPartition extends Numbered {
  /** -1: none now. */
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly replicaNodes: readonly number[]
  readonly isrNodes: readonly number[]
}

export interface JoinedMember {
  readonly memberId: string
  readonly metadata: Buffer
}

/** What comes back, as far as it is read. */
export interface Answers {
  readonly produce: {
    readonly responses: readonly {
      readonly name: string
      readonly partitionResponses: readonly ProducedPartition[]
    }[]
  }
  readonly fetch: {
    readonly errorCode: number
    readonly responses: readonly {
      readonly topicId: string
      readonly partitions: readonly FetchedPartition[]
    }[]
  }
  readonly listOffsets: { readonly topics: readonly Partitions<ListedPartition>[] }
  readonly metadata: {
    readonly brokers: readonly {
      readonly nodeId: number
      readonly host: string
      readonly port: number
    }[]
    readonly clusterId: string | null
    readonly controllerId: number
    readonly topics: readonly {
      readonly errorCode: number
      readonly name: string | null
      readonly topicId: string
      readonly isInternal: boolean
      readonly partitions: readonly MetadataPartition[]
    }[]
  }
  readonly offsetCommit: { readonly topics: readonly Partitions<Numbered>[] }
  readonly offsetFetch: {
    readonly groups: readonly {
      readonly groupId: string
      readonly errorCode: number
      readonly topics: readonly Partitions<CommittedPartition>[]
    }[]
  }
  readonly findCoordinator: {
    readonly coordinators: readonly {
      readonly key: string
      readonly nodeId: number
      readonly host: string
      readonly port: number
      readonly errorCode: number
    }[]
  }
  readonly joinGroup: {
    readonly errorCode: number
    readonly generationId: number
    readonly leader: string
    readonly memberId: string
    readonly members: readonly JoinedMember[]
  }
  readonly heartbeat: { readonly errorCode: number }
  readonly leaveGroup: { readonly errorCode: number }
  readonly syncGroup: { readonly errorCode: number; readonly assignment: Buffer }
  readonly describeGroups: {
    readonly groups: readonly {
      readonly errorCode: number
      readonly groupId: string
      readonly groupState: string
      /** Empty while members come and go. */
      readonly protocolData: string
      readonly members: readonly {
        readonly memberId: string
        readonly clientId: string
        readonly memberAssignment: Buffer
      }[]
    }[]
  }
  readonly listGroups: {
    readonly errorCode: number
    readonly groups: readonly { readonly groupId: string }[]
  }
  readonly apiVersions: {
    readonly apiKeys: readonly {
      readonly apiKey: number
      readonly minVersion: number
      readonly maxVersion: number
    }[]
    readonly finalizedFeatures: readonly {
      readonly name: string
      readonly maxVersionLevel: number
    }[]
  }
  readonly createTopics: {
    readonly topics: readonly {
      readonly name: string
      readonly errorCode: number
      readonly errorMessage: string | null
    }[]
  }
  readonly createPartitions: {
    readonly results: readonly { readonly name: string; readonly errorCode: number }[]
  }
  readonly deleteTopics: {
    readonly responses: readonly { readonly name: string | null; readonly errorCode: number }[]
  }
  readonly deleteRecords: { readonly topics: readonly Partitions<Numbered>[] }
  readonly initProducerId: {
    readonly errorCode: number
    readonly producerId: bigint
    readonly producerEpoch: number
  }
  readonly describeConfigs: {
    readonly results: readonly {
      readonly errorCode: number
      readonly resourceName: string
      readonly configs: readonly { readonly name: string; readonly value: string | null }[]
    }[]
  }
  readonly offsetDelete: {
    readonly errorCode: number
    readonly topics: readonly Partitions<Numbered>[]
  }
  readonly deleteGroups: {
    readonly results: readonly { readonly groupId: string; readonly errorCode: number }[]
  }
}
