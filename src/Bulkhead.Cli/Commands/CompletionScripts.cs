namespace Bulkhead.Cli.Commands;

/// <summary>What makes a shell complete our command line.</summary>
/// <remarks>
/// Each script asks the program itself, through the directive <c>[suggest:POSITION]</c>, with the line up to the cursor. It takes options
/// only where one was begun, since elsewhere they would hide images and files, and leaves out the help's other names.
/// Where nothing remains, the shell offers files.
/// </remarks>
internal static class CompletionScripts
{
    internal const string Bash = """
        # bulkhead's completion for bash; load it with:  source <(bulkhead completion bash)
        _bulkhead() {
            local line=${COMP_LINE:0:COMP_POINT} current=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]} word
            line="bulkhead${line#*"$program"}"
            program=${program/#\~\//$HOME/}
            COMPREPLY=()
            while IFS= read -r word; do
                case $word in
                    '-?' | -h | /* | '') continue ;;
                    -*) [[ $current == -* ]] || continue ;;
                esac
                [[ $word == "$current"* ]] && COMPREPLY+=("$word")
            done < <("$program" "[suggest:${#line}]" "$line" 2>/dev/null)
        }
        complete -o default -F _bulkhead bulkhead

        """;

    internal const string Zsh = """
        #compdef bulkhead
        # bulkhead's completion for zsh; load it with:  source <(bulkhead completion zsh)
        _bulkhead() {
            local line="bulkhead ${(j: :)words[2,CURRENT]}" word
            local -a found
            for word in "${(@f)$("${(e)words[1]/#\~\//$HOME/}" "[suggest:${#line}]" "$line" 2>/dev/null)}"; do
                case $word in
                    ('-?'|-h|/*|'') continue ;;
                    (-*) [[ $PREFIX == -* ]] || continue ;;
                esac
                [[ $word == "$PREFIX"* ]] && found+=("$word")
            done
            if (( $#found )); then compadd -a found; else _files; fi
        }
        compdef _bulkhead bulkhead

        """;

    internal const string Fish = """
        # bulkhead's completion for fish; load it with:  bulkhead completion fish | source
        function __bulkhead_complete
            set -l current (commandline -ct)
            set -l program (string replace -r '^~/' "$HOME/" -- (commandline -opc)[1])
            set -l line (string replace -r '^\s*\S+' bulkhead -- (commandline -cp))
            for word in ($program "[suggest:"(string length -- $line)"]" $line 2>/dev/null)
                if contains -- $word '-?' -h; or string match -q -- '/*' $word
                    continue
                end
                if string match -q -- '-*' $word; and not string match -q -- '-*' $current
                    continue
                end
                echo $word
            end
        end
        complete -c bulkhead -a '(__bulkhead_complete)'

        """;
}
