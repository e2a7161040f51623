// What the benchmark uses of libraries that are not there until it has installed them.

declare module 'bullmq' {
  interface JobOptions {
    readonly removeOnComplete?: boolean
    readonly removeOnFail?: boolean
  }
  export class Queue<T> {
    constructor(name: string, options: { connection: object })
    waitUntilReady(): Promise<unknown>
    add(name: string, data: T, options: JobOptions): Promise<unknown>
    addBulk(jobs: { name: string; data: T; opts: JobOptions }[]): Promise<unknown>
    close(): Promise<void>
  }
  export class Worker<T> {
    constructor(
      name: string,
      processor: (job: { data: T }) => Promise<void>,
      options: {
        connection: object
        autorun: false
        concurrency: number
        skipStalledCheck?: boolean
        skipLockRenewal?: boolean
      },
    )
    waitUntilReady(): Promise<unknown>
    run(): Promise<void>
    on(event: 'completed', listener: () => void): this
    on(event: 'error', listener: (error: Error) => void): this
    close(): Promise<void>
  }
}

declare module 'bee-queue' {
  export interface Job<T> {
    readonly data: T
    save(): Promise<unknown>
  }
  export default class Queue<T> {
    constructor(
      name: string,
      settings: {
        redis: { host: string; port: number }
        isWorker: boolean
        getEvents?: boolean
        sendEvents?: boolean
        storeJobs?: boolean
        removeOnSuccess?: boolean
        removeOnFailure?: boolean
      },
    )
    ready(): Promise<unknown>
    createJob(data: T): Job<T>
    saveAll(jobs: Job<T>[]): Promise<Map<Job<T>, Error>>
    process(concurrency: number, handler: (job: Job<T>) => Promise<void>): void
    on(event: 'succeeded', listener: () => void): this
    on(event: 'error', listener: (error: Error) => void): this
    close(timeoutMs?: number): Promise<void>
  }
}

declare module 'groupmq' {
  import type { Redis } from 'ioredis'
  export class Queue<T> {
    constructor(options: { redis: Redis; namespace: string; autoBatch?: boolean })
    add(job: { groupId: string; data: T }): Promise<unknown>
    close(): Promise<void>
  }
  export class Worker<T> {
    constructor(options: {
      queue: Queue<T>
      concurrency: number
      handler: (job: { data: T }) => Promise<void>
    })
    on(event: 'completed', listener: () => void): this
    on(event: 'error', listener: (error: Error) => void): this
    run(): Promise<void>
    close(gracefulTimeoutMs?: number): Promise<void>
  }
}

declare module 'ioredis' {
  export class Redis {
    constructor(url: string, options?: { maxRetriesPerRequest?: null })
    quit(): Promise<unknown>
    disconnect(): void
  }
}

declare module 'redis' {
  interface Client {
    connect(): Promise<this>
    destroy(): void
  }
  export function createClient(options: { url: string }): Client
}
