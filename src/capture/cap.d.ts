// What we use of the optional package `cap`, which brings no types.
declare module 'cap' {
  export interface Device {
    readonly name: string;
    readonly description?: string;
    readonly flags?: string;
    readonly addresses: readonly { readonly addr?: string }[];
  }

  export class Cap {
    static deviceList(): Device[];
    /** Starts to capture into `buffer`, always promiscuously; returns a name for the link type. Throws Error with libpcap's words. */
    open(device: string, filter: string, bufferSize: number, buffer: Buffer): string;
    close(): boolean;
    on(event: 'packet', listener: (bytes: number, truncated: boolean) => void): this;
  }
}
