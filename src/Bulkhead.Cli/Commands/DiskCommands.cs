using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Bulkhead.Cli.Disks;
using Bulkhead.Core;
using Bulkhead.Machine.Disks;

namespace Bulkhead.Cli.Commands;

/// <summary><c>bulkhead disk</c>: making, looking at, copying, resizing and checking disk images.</summary>
internal sealed class DiskCommands(TextWriter output)
{
    internal const string Notes = """
        Examples:
          bulkhead disk create data.qcow2 --size 10G
          bulkhead disk create mine.qcow2 --backing debian.qcow2
          bulkhead disk info mine.qcow2
          bulkhead disk convert appliance.ova appliance.qcow2
          bulkhead disk resize data.qcow2 +5G
          bulkhead disk check data.qcow2

        Formats: raw, qcow2, vmdk, vdi (docs/disks.md). Without --format an image is what it looks like; a new one is what its
        name ends in, else qcow2.

        Exit codes:
          0 done, 1 not possible, or an image that is not consistent, 2 usage

        """;

    private readonly Option<bool> _json = Options.Switch("--json", "Print JSON.");

    internal Command Create() => new("disk", "Make, look at, copy, resize and check disk images.")
    {
        CreateImage(),
        Info(),
        ConvertImage(),
        Resize(),
        Check(),
    };

    private static Argument<string> File(string name, string description) => new(name) { Description = description };

    private static Option<string> Format(string name, string description) => Options.OneOf(name, description, [.. DiskTool.Formats.Select(static f => (f, f))]);

    private static Option<long> Size(string name, string description) => Options.Create(
        name, "SIZE", description, Quantity.SizeForm, static (string text, out long bytes) => TryParseSize(text, out bytes) && bytes > 0);

    private static bool TryParseSize(string text, out long bytes)
    {
        bool good = Quantity.TryParseSize(text, out ulong value) && value <= long.MaxValue;
        bytes = good ? (long)value : 0;
        return good;
    }

    private static Command CreateImage()
    {
        Argument<string> file = File("FILE", "The new image; there must be no such file.");
        Option<long> size = Size("--size", "The size of its disk (that of the backing image).");
        Option<string> format = Format("--format", "How it is laid out (what its name ends in, else qcow2).");
        Option<string?> backing = Options.ExistingFile("--backing", "An image that is read where nothing was written yet; qcow2 only.");
        Option<string> backingFormat = Format("--backing-format", "How that is laid out (what it looks like).");
        var command = new Command("create", "Make an empty disk image, or one laid over another.") { file, size, format, backing, backingFormat };
        command.SetAction(line =>
        {
            string path = line.GetRequiredValue(file);
            string? given = line.GetValue(backing);
            if (given is null && line.GetResult(size) is null)
            {
                throw new Host.OperatorException("--size: a disk needs one, such as 10G, unless it is laid over another.", ExitCode.Usage);
            }

            DiskTool.Create(path, line.GetValue(format) ?? DiskTool.FormatOfName(path) ?? "qcow2", line.GetResult(size) is null ? null : line.GetValue(size), given, line.GetValue(backingFormat));
            return ExitCode.Ok;
        });
        return command;
    }

    private Command Info()
    {
        Argument<string> file = File("FILE", "The image, or a package of a machine (OVA).");
        Option<string> format = Format("--format", "How it is laid out (what it looks like).");
        var command = new Command("info", "Say what a disk image holds, and what it is laid over.") { file, format, _json };
        command.SetAction(line =>
        {
            DiskDescription description = DiskTool.Describe(line.GetRequiredValue(file), line.GetValue(format));
            if (line.GetValue(_json))
            {
                output.WriteLine(JsonSerializer.Serialize(description, DiskJson.Default.DiskDescription));
            }
            else
            {
                DiskText.Write(output, description);
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static Command ConvertImage()
    {
        Argument<string> from = File("FILE", "The image, or a package of a machine (OVA).");
        Argument<string> to = File("NEW", "The new image; there must be no such file.");
        Option<string> format = Format("--format", "How the new one is laid out (what its name ends in, else qcow2).");
        Option<string> fromFormat = Format("--from-format", "How the first is laid out (what it looks like).");
        var snapshot = new Option<string?>("--snapshot") { HelpName = "NAME", Description = "Copy this snapshot inside a qcow2 image." };
        Option<int> number = Options.Create(
            "--disk", "N", "Which disk of a package (1).", "a number from 1", static (string text, out int n) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out n) && n > 0);
        var command = new Command("convert", "Copy a disk into a new image, of any format.") { from, to, format, fromFormat, snapshot, number };
        command.SetAction(line =>
        {
            string path = line.GetRequiredValue(to);
            DiskTool.Convert(
                line.GetRequiredValue(from),
                line.GetValue(fromFormat),
                line.GetValue(snapshot),
                line.GetResult(number) is null ? 0 : line.GetValue(number) - 1,
                path,
                line.GetValue(format) ?? DiskTool.FormatOfName(path) ?? "qcow2");
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Resize()
    {
        Argument<string> file = File("FILE", "The image.");
        var size = new Argument<string>("SIZE") { Description = "The new size, or +SIZE for so much more." };
        size.Validators.Add(static result =>
        {
            if (!DiskSize.TryParse(result.Tokens[0].Value, out _))
            {
                result.AddError(Options.Wrong("SIZE", result.Tokens[0].Value, DiskSize.Form));
            }
        });
        Option<string> format = Format("--format", "How it is laid out (what it looks like).");
        Option<bool> shrink = Options.Switch("--shrink", "Cut off what stands behind the new end; raw only.");
        var command = new Command("resize", "Give a disk another size; its guest grows its partitions itself.") { file, size, format, shrink };
        command.SetAction(line =>
        {
            _ = DiskSize.TryParse(line.GetRequiredValue(size), out DiskSize wanted);
            DiskTool.Resize(line.GetRequiredValue(file), line.GetValue(format), wanted.Of, line.GetValue(shrink));
            return ExitCode.Ok;
        });
        return command;
    }

    private Command Check()
    {
        Argument<string> file = File("FILE", "The qcow2 image; not in use.");
        Option<bool> repair = Options.Switch("--repair", "Correct the counts, where every table is well formed.");
        var command = new Command("check", "Check that a qcow2 image is consistent.") { file, repair, _json };
        command.SetAction(line =>
        {
            DiskCheckup checkup = DiskTool.Check(line.GetRequiredValue(file), line.GetValue(repair));
            if (line.GetValue(_json))
            {
                output.WriteLine(JsonSerializer.Serialize(checkup, DiskJson.Default.DiskCheckup));
            }
            else
            {
                DiskText.Write(output, checkup);
            }

            return checkup.Errors == 0 ? ExitCode.Ok : ExitCode.Error;
        });
        return command;
    }
}
