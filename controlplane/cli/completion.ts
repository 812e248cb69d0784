/** Completion scripts for three shells, from the command tree: what may follow `drover`, `drover host`, `drover host list`. */
import type { Command } from 'commander';

export type Shell = 'bash' | 'zsh' | 'fish';

/** What may be typed after a command. */
interface Place {
  /** Words after `drover`: `` for the program, `host`, `host list`. */
  readonly path: string;
  /** Commands below, choices of the first argument, with what they mean. */
  readonly words: readonly (readonly [word: string, summary: string])[];
  /** Long options. */
  readonly options: readonly (readonly [option: string, summary: string, takesValue: boolean])[];
}

/** The script, to be sourced by `shell` or put where it looks for completions. */
export function completionScript(shell: Shell, program: Command): string {
  const places = placesOf(program, '');
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](places);
}

function placesOf(command: Command, path: string): Place[] {
  const here = { path, words: wordsOf(command), options: optionsOf(command) };
  return [here, ...command.commands.flatMap((below) => placesOf(below, `${path} ${below.name()}`.trim()))];
}

function wordsOf(command: Command): Place['words'] {
  const choices = command.registeredArguments[0]?.argChoices ?? [];
  return [
    ...command.commands.map((below) => [below.name(), below.description()] as const),
    ...choices.map((choice) => [choice, ''] as const),
  ];
}

function optionsOf(command: Command): Place['options'] {
  const own = [
    ...command.options,
    ...(command.parent ? ancestors(command).flatMap((each) => each.options) : []),
  ];
  const options = own.flatMap(({ long, description, required }) =>
    long && long !== '--version' ? [[long, description, required] as const] : [],
  );
  return [...options, ['--help', 'show help', false]];
}

function ancestors(command: Command): Command[] {
  return command.parent ? [command.parent, ...ancestors(command.parent)] : [];
}

/** All words and options of a place, for `compgen -W` and the like. */
function everything({ words, options }: Place): string {
  return [...words.map(([word]) => word), ...options.map(([option]) => option)].join(' ');
}

/** Options that take a value, so that the value is not mistaken for a command. */
function valued(places: readonly Place[]): string[] {
  return [
    ...new Set(
      places.flatMap(({ options }) =>
        options.filter(([, , takesValue]) => takesValue).map(([option]) => option),
      ),
    ),
  ].sort();
}

/** Shell code that puts the commands typed so far into `typed` (`path` is taken in zsh); `words`: the shell's expression for the words before the cursor. */
function pathLoop(places: readonly Place[], words: string): string {
  const known = places.filter(({ path }) => path !== '').map(({ path }) => `"${path}"`);
  return `  local typed="" skip="" word
  for word in ${words}; do
    if [ -n "$skip" ]; then skip=""; continue; fi
    case "$word" in -o|${valued(places).join('|')}) skip=1; continue ;; esac
    case "\${typed:+$typed }$word" in ${known.join('|')}) typed="\${typed:+$typed }$word" ;; esac
  done`;
}

function bashScript(places: readonly Place[]): string {
  const cases = places.map((place) => `    "${place.path}") words="${everything(place)}" ;;`).join('\n');
  return `# bash completion for drover
_drover() {
${pathLoop(places, '"${COMP_WORDS[@]:1:COMP_CWORD-1}"')}
  local words=""
  COMPREPLY=()
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
    -o|--output) COMPREPLY=($(compgen -W "table json yaml" -- "\${COMP_WORDS[COMP_CWORD]}")); return ;;
  esac
  [ -n "$skip" ] && return
  case "$typed" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _drover drover
`;
}

function zshScript(places: readonly Place[]): string {
  const cases = places.map((place) => `    "${place.path}") compadd -- ${everything(place)} ;;`).join('\n');
  return `#compdef drover
_drover() {
${pathLoop(places, '"${(@)words[2,CURRENT-1]}"')}
  case "\${words[CURRENT-1]}" in
    -o|--output) compadd -- table json yaml; return ;;
  esac
  if [ -n "$skip" ]; then _files; return; fi
  case "$typed" in
${cases}
  esac
}
if [ "$funcstack[1]" = "_drover" ]; then _drover "$@"; else compdef _drover drover; fi
`;
}

function fishScript(places: readonly Place[]): string {
  const lines = places.flatMap((place) => {
    const condition = `-n '__drover_at "${place.path}"'`;
    return [
      ...place.words.map(
        ([word, summary]) => `complete -c drover ${condition} -f -a ${word} -d ${quoted(summary)}`,
      ),
      ...place.options.map(
        ([option, summary, value]) =>
          `complete -c drover ${condition} -l ${option.slice(2)}${value ? ' -r' : ''} -d ${quoted(summary)}`,
      ),
    ];
  });
  const paths = places.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`);
  return `# fish completion for drover
function __drover_at
  set -l typed ''
  for word in (commandline -opc)[2..-1]
    set -l next (string trim -- "$typed $word")
    contains -- $next ${paths.join(' ')}; and set typed $next
  end
  test "$typed" = $argv[1]
end
${lines.join('\n')}
`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
