using System.CommandLine;
using System.Globalization;
using Bulkhead.Cli.Output;
using Bulkhead.Core;
using Bulkhead.Host;
using Bulkhead.Images;

namespace Bulkhead.Cli.Commands;

/// <summary><c>bulkhead image</c>: makes images of Debian's packages, lists and removes them.</summary>
internal sealed class ImageCommands(TextWriter output, TextWriter errors)
{
    internal const string Notes = """
        Examples:
          bulkhead image build debian-full -o my-debian
          bulkhead image build my-recipe.yaml --ssh-key ~/.ssh/id_ed25519.pub
          bulkhead image ls

        'bulkhead run' makes the image it needs by itself. Recipes are described in docs/images.md.

        """;

    internal static readonly string BuildNotes = $"""
        RECIPE is one of {string.Join(", ", ImageStore.RecipeNames)}, or the path of a file (docs/images.md).

        What was made is kept in the cache and used again until the recipe changes, or --update finds newer packages.
        The last line is the folder with the image: vmlinuz, initrd.img, manifest.json, and disk.img where it starts from a disk.

        """;

    /// <summary>The command with those below it; what their help adds goes to <paramref name="notes"/>.</summary>
    internal Command Create(Dictionary<Command, string> notes)
    {
        Command build = Build();
        var command = new Command("image", "Make images of Debian's packages, list and remove them.") { build, Ls(), Inspect(), Rm() };
        notes.Add(build, BuildNotes);
        notes.Add(command, Notes);
        return command;
    }

    private Command Build()
    {
        var recipe = new Argument<string>("RECIPE") { Description = "The recipe's name or its file." };
        recipe.CompletionSources.Add([.. ImageStore.RecipeNames]);
        var target = new Option<string?>("--output") { HelpName = "DIR", Description = "Write a copy of the image's files to this folder." };
        target.Aliases.Add("-o");
        Option<bool> update = Options.Switch("--update", "Look for newer packages first.");
        var keys = new Option<string[]>("--ssh-key")
        {
            HelpName = "FILE",
            Description = "A public key that a disk lets in as root; again for more (a key made for all such images).",
            AllowMultipleArgumentsPerToken = false,
        };
        var command = new Command("build", "Make an image, where the cache does not have it.") { recipe, target, update, keys };
        command.SetAction(line =>
        {
            var request = new ImageRequest(line.GetRequiredValue(recipe))
            {
                Update = line.GetValue(update),
                SshKeyPaths = line.GetResult(keys) is null ? null : line.GetValue(keys),
            };
            GuestImage image = new ImageStore().Resolve(request, Say);
            if (line.GetValue(target) is { } directory)
            {
                ImageStore.Export(image, directory);
            }

            output.WriteLine(line.GetValue(target) is { } place ? Path.GetFullPath(place) : Path.GetDirectoryName(image.KernelPath));
            return ExitCode.Ok;
        });
        return command;
    }

    private Command Ls()
    {
        var command = new Command("ls", "List the images in the cache.");
        command.SetAction(_ =>
        {
            output.WriteLine($"{"IMAGE",-16} {"VERSION",-24} {"MADE",-16} {"DISK",6}  FOLDER");
            foreach (StoredImage image in new ImageStore().List())
            {
                string made = image.MadeUtc.ToLocalTime().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
                string disk = image.DiskBytes == 0 ? "-" : Quantity.FormatSize((ulong)image.DiskBytes);
                output.WriteLine($"{image.Recipe,-16} {image.Version,-24} {made,-16} {disk,6}  {image.Directory}");
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private Command Inspect()
    {
        Argument<string> image = Image();
        var command = new Command("inspect", "Print what an image is made of, as JSON.") { image };
        command.SetAction(line =>
        {
            output.Write(File.ReadAllText(Find(line.GetRequiredValue(image))[0].ManifestPath));
            return ExitCode.Ok;
        });
        return command;
    }

    private Command Rm()
    {
        Argument<string> image = Image();
        var command = new Command("rm", "Remove an image from the cache: all its versions, or one. What runs goes on.") { image };
        command.SetAction(line =>
        {
            foreach (StoredImage found in Find(line.GetRequiredValue(image)))
            {
                new ImageStore().Remove(found);
                output.WriteLine($"removed {found.Recipe} {found.Version}");
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static Argument<string> Image()
    {
        var image = new Argument<string>("IMAGE") { Description = "Its name, or NAME@VERSION." };
        image.CompletionSources.Add(static _ => new ImageStore().List().Select(static i => i.Recipe).Distinct().Select(static n => new System.CommandLine.Completions.CompletionItem(n)));
        return image;
    }

    private static StoredImage[] Find(string name)
    {
        string[] words = name.Split('@', 2);
        IReadOnlyList<StoredImage> all = new ImageStore().List();
        StoredImage[] found = [.. all.Where(i => i.Recipe == words[0] && (words.Length == 1 || i.Version == words[1])).OrderByDescending(static i => i.IsCurrent)];
        if (found.Length > 0)
        {
            return found;
        }

        string? near = NearestName.Find(words[0], all.Select(static i => i.Recipe));
        throw new OperatorException(
            $"The cache has no image '{name}'.{(near is null || near == words[0] ? string.Empty : $" Did you mean '{near}'?")} 'bulkhead image ls' lists them.", ExitCode.Usage);
    }

    private void Say(string line) => Complaint.Write(errors, line);
}
