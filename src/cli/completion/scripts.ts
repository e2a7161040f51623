// Readline takes "file:./x" and "--sort=name" apart: the words are put together again, and what
// stands before the last part is taken from the answers. Without negative indices, for old ones.
const bash = `# bash completion of narrowcast. To load it: source <(narrowcast completion bash)
_narrowcast() {
  local IFS=$'\\n' word last glue= i
  local -a words=()
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ \${#words[@]} -gt 0 && ( -n $glue || $word == [:=]* ) ]]; then
      words[\${#words[@]}-1]+=$word
    else
      words+=("$word")
    fi
    [[ $word == *[:=] ]] && glue=1 || glue=
  done
  last=\${words[\${#words[@]}-1]}
  COMPREPLY=($(narrowcast __complete -- "\${words[@]}" 2>/dev/null))
  COMPREPLY=("\${COMPREPLY[@]#"\${last%"\${last##*[:=]}"}"}")
}
complete -o default -F _narrowcast narrowcast
`

const zsh = `#compdef narrowcast
# zsh completion of narrowcast. To load it: source <(narrowcast completion zsh)
_narrowcast() {
  local -a found
  found=("\${(@f)$(narrowcast __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if (( \${#found[@]} )) && [[ -n "\${found[1]}" ]]; then
    compadd -- "\${found[@]}"
  else
    _files
  fi
}
if [ "$funcstack[1]" = "_narrowcast" ]; then
  _narrowcast "$@"
else
  compdef _narrowcast narrowcast
fi
`

const fish = `# fish completion of narrowcast
function __narrowcast_complete
  set -l words (commandline -opc)
  set -l last (commandline -ct)
  narrowcast __complete -- $words[2..-1] "$last" 2>/dev/null
end
complete -c narrowcast -f -a '(__narrowcast_complete)'
`

const pwsh = `# PowerShell completion of narrowcast. To load it: narrowcast completion pwsh | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName narrowcast -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" })
  if ($wordToComplete -eq '') { $words += '""' }
  narrowcast __complete -- @words 2>$null | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
`

const scripts: Readonly<Record<string, string>> = { bash, zsh, fish, pwsh }

export const shells: readonly string[] = Object.keys(scripts)

/** The completion script; null for an unknown shell. */
export function scriptOf(shell: string): string | null {
  return Object.hasOwn(scripts, shell) ? (scripts[shell] as string) : null
}
