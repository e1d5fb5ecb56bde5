using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Parsing;
using Bulkhead.Core;
using Bulkhead.Host;
using Bulkhead.Host.Files;

namespace Bulkhead.Cli.Commands;

/// <summary>Makes options whose errors name the option, the value and the fix.</summary>
internal static class Options
{
    /// <summary>Reads a value; false where the text is not one.</summary>
    internal delegate bool Reader<T>(string text, out T value);

    /// <summary>Reads one of several values; null, and what is wrong, where the text is not one.</summary>
    internal delegate T? PartReader<T>(string text, out string? error)
        where T : class;

    /// <summary>Makes an option that reads its one value with <paramref name="read"/>, and refuses what <paramref name="check"/> has a message for.</summary>
    internal static Option<T> Create<T>(
        string name, string valueName, string description, string form, Reader<T> read, Func<string, T, string?>? check = null) => new(name)
    {
        HelpName = valueName,
        Description = description,
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            string? error = read(text, out T value) ? check?.Invoke(text, value) : Wrong(name, text, form);
            if (error is not null)
            {
                result.AddError(error);
            }

            return value;
        },
    };

    /// <summary>Makes an option that takes one of some words.</summary>
    internal static Option<T> OneOf<T>(string name, string description, params (string Word, T Value)[] choices)
    {
        string words = string.Join('|', choices.Select(c => c.Word));
        Option<T> option = Create(name, words, description, "one of " + string.Join(", ", choices.Select(c => c.Word)), (string text, out T value) =>
        {
            foreach ((string word, T choice) in choices)
            {
                if (word == text)
                {
                    value = choice;
                    return true;
                }
            }

            value = choices[0].Value;
            return false;
        });
        option.CompletionSources.Clear();
        option.CompletionSources.Add([.. choices.Select(c => c.Word)]);
        return option;
    }

    /// <summary>Makes an option that takes a time longer than zero, or zero as well.</summary>
    internal static Option<long> Duration(string name, string description, bool zero = false) => Create(
        name, "TIME", description, Quantity.DurationForm, (string text, out long ns) => Quantity.TryParseDuration(text, out ns) && (ns > 0 || zero));

    /// <summary>Makes an option that takes a file to read.</summary>
    internal static Option<string?> ExistingFile(string name, string description) => new(name)
    {
        HelpName = "FILE",
        Description = description,
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = result => ExistingPath(result, $"{name} ", "a file that can be read"),
    };

    /// <summary>Makes the argument that is the path of a system file.</summary>
    internal static Argument<string> SystemFile() => new("FILE")
    {
        Description = "The system file.",
        CustomParser = result => ExistingPath(result, string.Empty, "a system file"),
    };

    /// <summary>Makes an option that may be given several times.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="form">What it takes.</param>
    /// <param name="description">What it does.</param>
    /// <param name="read">Reads one value; null and what is wrong where the text is not one.</param>
    internal static Option<IReadOnlyList<T>> Several<T>(string name, string form, string description, PartReader<T> read)
        where T : class => new(name)
    {
        HelpName = form,
        Description = description,
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
        CustomParser = result =>
        {
            var values = new List<T>();
            foreach (Token token in result.Tokens)
            {
                if (read(token.Value, out string? error) is { } value)
                {
                    values.Add(value);
                }
                else
                {
                    result.AddError($"{name} {token.Value}: {error}");
                }
            }

            return values;
        },
    };

    /// <summary>Makes an option with one value of several parts; as of <see cref="Several"/>.</summary>
    internal static Option<T?> One<T>(string name, string form, string description, PartReader<T> read)
        where T : class => new(name)
    {
        HelpName = form,
        Description = description,
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            T? value = read(text, out string? error);
            if (value is null)
            {
                result.AddError($"{name} {text}: {error}");
            }

            return value;
        },
    };

    /// <summary>Makes a switch that may have a value of several parts.</summary>
    internal static Option<T?> Optional<T>(string name, string form, string description, T fallback, PartReader<T> read)
        where T : class => new(name)
    {
        HelpName = form,
        Description = description,
        Arity = ArgumentArity.ZeroOrOne,
        CustomParser = result =>
        {
            if (result.Tokens.Count == 0)
            {
                return fallback;
            }

            string text = result.Tokens[0].Value;
            T? value = read(text, out string? error);
            if (value is null)
            {
                result.AddError($"{name} {text}: {error}");
            }

            return value;
        },
    };

    /// <summary>Makes a switch.</summary>
    internal static Option<bool> Switch(string name, string description) => new(name) { Description = description };

    /// <summary>The full path of the file a value names, or null and an error where there is none.</summary>
    private static string? ExistingPath(ArgumentResult result, string prefix, string wanted)
    {
        string path = result.Tokens[0].Value;
        if (PathFault.OfFile(path) is { } fault)
        {
            result.AddError($"{prefix}{path}: {fault}; give the path of {wanted}.");
            return null;
        }

        return Path.GetFullPath(path);
    }

    internal static string Wrong(string name, string text, string form) => $"{name} {(text.Length == 0 ? "''" : text)}: not understood; write {form}.";
}
