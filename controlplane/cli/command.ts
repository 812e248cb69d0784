/**
 * What a command is: data for the parser, help, completion and tests, and one function. This file and every file that it
 * or a command imports outright must stay light; what needs gRPC, YAML or a schema is imported when the command runs, so
 * that help and completion answer at once.
 */
import type { Command } from 'commander';
import type { Answer } from '../../proto/output/formats.js';
import type { TextStream } from '../../proto/output/stdout.js';
import type { Api } from './client.js';
import type { ContextFile } from './context.js';

/** Everything outside the program, handed in by `bin.ts` or by a test. */
export interface Io {
  /** Arguments after the program's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly cwd: string;
  /** Folder of the machine-wide context file, `/etc/drover`. */
  readonly systemDirectory: string;
  readonly version: string;
  /** Unix time in ms. */
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** A fresh random key, for claims that were given none. */
  readonly newKey: () => string;
}

interface OptionText {
  /** As commander reads it: `--zone <zone>`. */
  readonly flags: string;
  readonly summary: string;
  /** Keys of options that cannot stand beside this one. */
  readonly conflicts?: readonly string[];
}

/** `text`: one value; `list`: may be given several times; `flag`: no value. */
export interface OptionSpec extends OptionText {
  readonly kind: 'text' | 'list' | 'flag';
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

type ValueOf<Kind> = Kind extends 'flag' ? boolean : Kind extends 'list' ? string[] : string | undefined;

/** Values of options, as texts: the command reads numbers and sizes itself and names the option where one is wrong. */
export type OptionValues<Specs extends OptionSpecs> = {
  readonly [Key in keyof Specs]: ValueOf<Specs[Key]['kind']>;
};

/** One run of a command. */
export interface Call<Specs extends OptionSpecs = OptionSpecs> {
  readonly args: readonly string[];
  readonly options: OptionValues<Specs>;
  readonly io: Io;
  /** The control plane that this run speaks to. Errors: `failed-precondition` when none is known. */
  context(): Promise<ContextFile>;
  /** A client for it; connects at the first request and is closed when the command ends. */
  api(): Promise<Api>;
  /** Every command there is, for completion. */
  tree(): Command;
}

export interface Result extends Answer {
  /** 0 unless given. */
  readonly exit?: number;
  /** A remark for a person, on stderr and only beside a table. */
  readonly note?: string;
}

/** A command that does something: a leaf of the tree. */
export interface LeafCommand {
  readonly name: string;
  /** Another name that does the same; help and completion know the first. */
  readonly alias?: string;
  readonly summary: string;
  /** Positional arguments as commander reads them: `<host>`, `[name]`. */
  readonly args?: readonly (readonly [name: string, summary: string, choices?: readonly string[]])[];
  /** Choices are for help and completion; the command itself refuses others. */
  readonly takesAnyArgs?: true;
  /** Complete command lines, most usual first. At least one. */
  readonly examples: readonly string[];
  readonly options: OptionSpecs;
  readonly run: (call: Call) => Promise<Result>;
}

/** A noun with its verbs. */
export interface NounCommand {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly LeafCommand[];
}

type LeafSpec<Specs extends OptionSpecs> = Omit<LeafCommand, 'options' | 'run'> & {
  readonly options: Specs;
  readonly run: (call: Call<Specs>) => Promise<Result>;
};

/** A leaf whose function sees its own options by name and type. */
export function leaf<const Specs extends OptionSpecs>(spec: LeafSpec<Specs>): LeafCommand {
  return spec as unknown as LeafCommand;
}

/** An option with one value. */
export function text<const Text extends OptionText>(option: Text): Text & { kind: 'text' } {
  return { ...option, kind: 'text' };
}

/** An option that may be given several times. */
export function list<const Text extends OptionText>(option: Text): Text & { kind: 'list' } {
  return { ...option, kind: 'list' };
}

/** An option without a value. */
export function flag<const Text extends OptionText>(option: Text): Text & { kind: 'flag' } {
  return { ...option, kind: 'flag' };
}
