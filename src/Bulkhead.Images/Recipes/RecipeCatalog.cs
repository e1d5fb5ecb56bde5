using System.Reflection;
using System.Text;
using Bulkhead.Host;

namespace Bulkhead.Images.Recipes;

/// <summary>The recipes Bulkhead carries, as they stand in <c>images/</c>, and those in files of the operator's.</summary>
internal static class RecipeCatalog
{
    private const string Ending = ".yaml";

    /// <summary>The names of the recipes Bulkhead carries.</summary>
    internal static IReadOnlyList<string> Names { get; } =
        [.. Program.GetManifestResourceNames().Where(static n => n.EndsWith(Ending, StringComparison.Ordinal)).Select(static n => n[..^Ending.Length]).Order(StringComparer.Ordinal)];

    private static Assembly Program => typeof(RecipeCatalog).Assembly;

    /// <summary>Reads a recipe by its name, or from a file whose name ends in <c>.yaml</c> or holds a slash.</summary>
    internal static Recipe Read(string recipe)
    {
        if (Names.Contains(recipe))
        {
            using Stream stream = Program.GetManifestResourceStream(recipe + Ending)
                ?? throw new System.Diagnostics.UnreachableException($"The recipe '{recipe}' is not part of the program.");
            using var reader = new StreamReader(stream, Encoding.UTF8);
            return RecipeReader.Read(recipe, $"images/{recipe}{Ending}", reader.ReadToEnd());
        }

        return recipe.EndsWith(Ending, StringComparison.Ordinal) || recipe.Contains('/', StringComparison.Ordinal) ? ReadFile(recipe) : throw Unknown(recipe);
    }

    private static Recipe ReadFile(string path)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"{path}: cannot be read: {e.Message}", 2);
        }

        string name = Path.GetFileNameWithoutExtension(path);
        return name.Length > 0 && name[0] != '.' && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')
            ? RecipeReader.Read(name, path, text)
            : throw new OperatorException($"{path}: the recipe is called like its file, and '{name}' is not a name; use letters, digits, hyphens.", 2);
    }

    private static OperatorException Unknown(string recipe)
    {
        string? near = NearestName.Find(recipe, Names);
        string hint = near is null ? string.Empty : $" Did you mean '{near}'?";
        return new OperatorException($"There is no image '{recipe}'.{hint} Known images: {string.Join(", ", Names)}.", 2);
    }
}
