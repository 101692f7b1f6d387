/** How to speak TLS with endpoints whose URL begins with `https:`. Certificates and keys are PEM. */
export interface TlsOptions {
  /** Who may have signed the server's certificate. Default: the authorities that Node trusts. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
  /** The certificate by which this process shows who it is. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly passphrase?: string;
  /** The name in the server's certificate, where it is not the URL's host. */
  readonly serverName?: string;
}
