// Scripts for shells. They hold the words of every command, so that completing needs no start of Node.

import { type Catalogue, nextWords } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Invocation } from "../invocation.ts";
import { write } from "../io.ts";
import { UsageError } from "../usage-error.ts";

const scripts: Record<string, (catalogue: Catalogue) => string> = { bash, zsh, fish };

export async function completion({ io, args }: Invocation, catalogue: Catalogue): Promise<number> {
  const [shell = ""] = args.positionals;
  const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
  if (!script)
    throw new UsageError("Name a shell: bash, zsh or fish.", "Usage: rotor completion <bash|zsh|fish>");
  await write(io.stdout, script(catalogue));
  return exitCodes.ok;
}

/** What may follow some words: the next words of commands, or a command's flags. */
function continuations({ commands, flagsOf }: Catalogue): { words: string; next: string[] }[] {
  const groups = [
    ...new Set(commands.filter(({ words }) => words.length > 1).map(({ words }) => words[0] as string)),
  ];
  const inside = ["", ...groups].map((word) => ({
    words: word,
    next: nextWords(word ? [word] : [], commands),
  }));
  const flags = commands.map((command) => ({
    words: command.words.join(" "),
    next: flagsOf(command).map(({ name }) => `--${name}`),
  }));
  return [...inside, ...flags];
}

function cases(catalogue: Catalogue): string {
  return continuations(catalogue)
    .map(({ words, next }) => `    "${words}") next="${next.join(" ")}" ;;`)
    .join("\n");
}

function bash(catalogue: Catalogue): string {
  return `_rotor() {
  local word words="" next="" current="\${COMP_WORDS[COMP_CWORD]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) [ "$(wc -w <<< "$words")" -lt 2 ] && words="\${words:+$words }$word" ;; esac
  done
  _rotor_next "$words" || _rotor_next "\${words%% *}"
  COMPREPLY=($(compgen -W "$next" -- "$current"))
}
_rotor_next() {
  case "$1" in
${cases(catalogue)}
    *) return 1 ;;
  esac
}
complete -F _rotor rotor
`;
}

function zsh(catalogue: Catalogue): string {
  return `#compdef rotor
_rotor() {
  local word words_so_far="" next=""
  for word in "\${(@)words[2,CURRENT-1]}"; do
    [[ "$word" == -* ]] || [[ \${#\${(z)words_so_far}} -ge 2 ]] || words_so_far="\${words_so_far:+$words_so_far }$word"
  done
  _rotor_next "$words_so_far" || _rotor_next "\${words_so_far%% *}"
  compadd -- \${(z)next}
}
_rotor_next() {
  case "$1" in
${cases(catalogue)}
    *) return 1 ;;
  esac
}
if [[ "\${funcstack[1]}" == "_rotor" ]]; then _rotor "$@"; else compdef _rotor rotor; fi
`;
}

function fish(catalogue: Catalogue): string {
  const lines = continuations(catalogue).map(({ words, next }) => {
    const seen = words.split(" ").filter(Boolean);
    const when =
      seen.length === 0 ? "__fish_use_subcommand" : seen.map((word) => `__fish_seen_subcommand_from ${word}`);
    return `complete -c rotor -f -n '${[when].flat().join("; and ")}' -a '${next.join(" ")}'`;
  });
  return `${lines.join("\n")}\n`;
}
