/** The servers that the harness knows. */
export type ServiceName = 'kafka' | 'rabbitmq' | 'etcd' | 'consul' | 'nacos' | 'redis';

/** A real server in use by a test. */
export interface Service {
  readonly name: ServiceName;
  /** What the environment variable of its kind holds: `127.0.0.1:9092` for Kafka, a URL for the others. */
  readonly url: string;
  /** What the server says of itself; `undefined` where its protocol does not tell. */
  readonly version: string | undefined;
  /** Process and process group of a server that this process started; `undefined` while it is down, and for others. */
  readonly pid: number | undefined;
  /** Its data, configuration and log; `undefined` for servers of others. */
  readonly folder: string | undefined;
  /** Ends it (SIGTERM, after 10 s SIGKILL) and removes its data. May be called again. Leaves servers of others alone. */
  stop(): Promise<void>;
  /** SIGKILL to the whole process group; resolves when it is gone. Data and port stay. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open, nothing answers. */
  pause(): void;
  /** SIGCONT after {@link pause}. */
  resume(): void;
  /** Ends it if it runs, starts it with the same data on the same port, and resolves when it answers. */
  restart(): Promise<void>;
  /** The last lines of its output, over all restarts; empty for servers of others. */
  logTail(lines?: number): string;
}

export interface KafkaService extends Service {
  /** What kafkajs takes. */
  readonly brokers: string[];
}

export interface Services {
  readonly kafka: KafkaService;
  readonly rabbitmq: Service;
  readonly etcd: Service;
  readonly consul: Service;
  readonly nacos: Service;
  readonly redis: Service;
}

export interface StartOptions {
  /** Never the server that the environment names, which may not be killed. Default false. */
  readonly own?: boolean;
  /**
   * Further lines of the server's own configuration, by key: server.properties, rabbitmq.conf, redis.conf, flags of etcd
   * (without `--`), HCL of Consul, environment of Nacos. For servers that the harness starts.
   */
  readonly settings?: Readonly<Record<string, string>>;
  /** How long it may take until it answers. Default: that of its kind, 20 to 90 s. */
  readonly deadlineMs?: number;
}

/** How one kind of server is found, fetched, started and asked whether it is ready. */
export interface ServerKind<Name extends ServiceName = ServiceName> {
  readonly name: Name;
  readonly title: string;
  /** The environment variable that names a server which runs already. */
  readonly variable: string;
  /** Ports that it listens on; see `freePorts` for what is chosen. */
  readonly ports: readonly number[];
  readonly deadlineMs: number;
  /** Why it cannot run on this machine even where it is installed, like a missing Java. */
  readonly obstacle?: () => Absence | undefined;
  /** The program (for Kafka the folder of jars) that is there already. */
  readonly find: () => string | undefined;
  readonly fetch: Fetch;
  readonly url: (ports: readonly number[]) => string;
  /** Writes what it needs into its folder; called before every start. */
  readonly launch: (site: Site) => Launch | Promise<Launch>;
  /** Whether what a new server has written so far lets it start again; if not, it is made anew. Default: it does. */
  readonly isSound?: (site: Site) => boolean;
  /** Resolves with the version (or `undefined`) when the server is ready; rejects while it is not. */
  readonly probe: (url: string, program: string | undefined) => Promise<string | undefined>;
}

/** One server's own place: its folder, its ports, its program. */
export interface Site {
  readonly program: string;
  readonly folder: string;
  readonly log: string;
  readonly ports: readonly number[];
  readonly settings: Readonly<Record<string, string>>;
}

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** How the ordinary client of a package registry gets a server. */
export interface Fetch {
  /** What is fetched, from where, and how long that takes. */
  readonly what: string;
  /** Why it cannot be fetched here, with the one command that gets it. */
  readonly obstacle: () => Absence | undefined;
  readonly run: () => Promise<void>;
}

/** Why a server cannot be had, and the one command that gets it. */
export interface Absence {
  readonly why: string;
  readonly command: string;
}
