using Bulkhead.Host;
using Bulkhead.Host.Files;
using Bulkhead.Images.Debian;
using Bulkhead.Images.Recipes;

namespace Bulkhead.Images;

/// <summary>The cache of guest images, and what fills it.</summary>
/// <remarks>
/// An image is a directory <c>&lt;recipe&gt;/&lt;package version&gt;+&lt;recipe hash&gt;</c>, written under another name and then
/// renamed, so that what is found is whole; it is never changed afterwards.
/// <para><i>Errors</i>: <see cref="OperatorException"/> with the fix in words.</para>
/// <para><i>Threading</i>: any thread; processes exclude each other by a file lock while an image is made.</para>
/// </remarks>
public sealed class ImageStore
{
    private const string CurrentLink = "current";
    private const string TemporaryPrefix = ".making-";

    private readonly string _root;

    /// <summary>Creates a store under <paramref name="root"/>, or where the user's cache is when it is null.</summary>
    public ImageStore(string? root = null) => _root = root ?? DefaultRoot();

    /// <summary>The names <see cref="Resolve"/> knows.</summary>
    public static IReadOnlyList<string> RecipeNames { get; } = [.. RecipeCatalog.All.Select(r => r.Name)];

    /// <summary>Finds an image in the cache, or makes it.</summary>
    /// <param name="recipe">One of <see cref="RecipeNames"/>.</param>
    /// <param name="update">Ask the package archive for newer packages first.</param>
    /// <param name="progress">Called with a line for the operator before each long step.</param>
    /// <remarks><i>Cost</i>: microseconds for a cached image, which touches no package tool; else a download of some 30 MB.</remarks>
    public GuestImage Resolve(string recipe, bool update, Action<string> progress)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentNullException.ThrowIfNull(progress);
        Recipe definition = RecipeCatalog.All.FirstOrDefault(r => r.Name == recipe) ?? throw Unknown(recipe);
        string hash = definition.Hash();
        string folder = Path.Combine(_root, recipe);
        if (!update && Find(folder, recipe, hash) is GuestImage cached)
        {
            return cached;
        }

        try
        {
            _ = Directory.CreateDirectory(folder);
            using FileLock held = FileLock.Acquire(
                Path.Combine(folder, ".lock"),
                () => progress($"{recipe}: waiting for another process that is making this image"));
            if (!update && Find(folder, recipe, hash) is GuestImage made)
            {
                return made;
            }

            return Make(definition, hash, folder, update, progress);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"The image '{recipe}' could not be stored under {_root}: {e.Message} Set XDG_CACHE_HOME to a folder that can be written.", e);
        }
    }

    private static GuestImage Make(Recipe recipe, string hash, string folder, bool update, Action<string> progress)
    {
        var apt = new AptArchive(line => progress($"{recipe.Name}: {line}"));
        IReadOnlyList<DebianPackage> packages = recipe.Resolve(apt, update);
        string name = $"{Recipe.VersionOf(packages)}+{hash}";
        string target = Path.Combine(folder, name);
        if (!IsComplete(target))
        {
            // The lock is ours, so whatever is half made belongs to a process that died.
            foreach (string stale in Directory.EnumerateDirectories(folder, TemporaryPrefix + "*"))
            {
                Directory.Delete(stale, recursive: true);
            }

            string temporary = Path.Combine(folder, TemporaryPrefix + name);
            _ = Directory.CreateDirectory(temporary);
            try
            {
                ImageBuilder.Build(recipe, packages, apt, temporary, line => progress($"{recipe.Name}: {line}"));
                Directory.Move(temporary, target);
            }
            finally
            {
                if (Directory.Exists(temporary))
                {
                    Directory.Delete(temporary, recursive: true);
                }
            }
        }

        PointCurrentTo(folder, name);
        progress($"{recipe.Name}: ready in {target}");
        return Describe(recipe.Name, target);
    }

    private static GuestImage? Find(string folder, string recipe, string hash)
    {
        if (!Directory.Exists(folder))
        {
            return null;
        }

        string suffix = "+" + hash;
        string? current = new DirectoryInfo(Path.Combine(folder, CurrentLink)).LinkTarget;
        if (current is not null && current.EndsWith(suffix, StringComparison.Ordinal) && IsComplete(Path.Combine(folder, current)))
        {
            return Describe(recipe, Path.Combine(folder, current));
        }

        // The link follows whichever build of Bulkhead made an image last; ours may stand beside it.
        string? newest = Directory.EnumerateDirectories(folder)
            .Where(d => d.EndsWith(suffix, StringComparison.Ordinal) && !Path.GetFileName(d).StartsWith('.') && IsComplete(d))
            .MaxBy(Directory.GetLastWriteTimeUtc);
        return newest is null ? null : Describe(recipe, newest);
    }

    private static bool IsComplete(string directory) =>
        File.Exists(Path.Combine(directory, ImageBuilder.KernelName)) && File.Exists(Path.Combine(directory, ImageBuilder.InitrdName));

    private static GuestImage Describe(string recipe, string directory)
    {
        string name = Path.GetFileName(directory);
        return new GuestImage(
            recipe,
            name[..name.LastIndexOf('+')],
            Path.GetFullPath(Path.Combine(directory, ImageBuilder.KernelName)),
            Path.GetFullPath(Path.Combine(directory, ImageBuilder.InitrdName)));
    }

    private static void PointCurrentTo(string folder, string name)
    {
        string next = Path.Combine(folder, CurrentLink + ".next");
        File.Delete(next);
        _ = File.CreateSymbolicLink(next, name);
        HostFile.Rename(next, Path.Combine(folder, CurrentLink));
    }

    private static OperatorException Unknown(string recipe)
    {
        string? near = NearestName.Find(recipe, RecipeNames);
        string hint = near is null ? string.Empty : $" Did you mean '{near}'?";
        return new OperatorException($"There is no image '{recipe}'.{hint} Known images: {string.Join(", ", RecipeNames)}.", 2);
    }

    private static string DefaultRoot()
    {
        string? cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (string.IsNullOrEmpty(cache) || !Path.IsPathRooted(cache))
        {
            string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            cache = Path.Combine(home.Length == 0 ? "/tmp" : home, ".cache");
        }

        return Path.Combine(cache, "bulkhead", "images");
    }
}
