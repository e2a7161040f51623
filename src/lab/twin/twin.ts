/** Where the raw client works, and with which of the settings of the channel that it can have. */
export interface TwinPlace {
  readonly url: string
  readonly channel: string
  readonly leaseMs: number
  /** Null where the pattern has none. */
  readonly group: string | null
  /** Nobody else on this channel is called so. */
  readonly reader: string
}

/** The recipe that people write by hand over the client of a broker, without narrowcast. */
export interface Twin {
  /** Makes what the others expect. Once for each group, before anybody else is there. */
  readonly prepare: (place: TwinPlace) => Promise<void>
  readonly sender: (place: TwinPlace) => Promise<TwinSender>
  readonly reader: (place: TwinPlace) => Promise<TwinReader>
}

export interface TwinSender extends AsyncDisposable {
  /** Resolves when the broker has answered; to how many it went, where it tells. */
  send(message: Uint8Array): Promise<number | undefined>
}

export interface TwinReader extends AsyncDisposable {
  /** At most `countMax`, as soon as there is one; none where nothing came for a moment. */
  take(countMax: number): Promise<readonly Taken[]>
}

export interface Taken {
  readonly message: Uint8Array
  /** It is done, and is not to come again. */
  readonly settle: () => Promise<void>
}

/** How long `take` waits before it looks whether it is still wanted. */
export const takeMs = 200
