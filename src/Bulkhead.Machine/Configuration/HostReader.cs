using Bulkhead.Host.Files;
using Bulkhead.Machine.Firmware;
using Bulkhead.Yaml;

namespace Bulkhead.Machine.Configuration;

/// <summary>Reads what a system file names of the host: paths and guest images. Where the system is to run here, it looks whether they are there.</summary>
/// <param name="folder">The system file's folder.</param>
/// <param name="images">The names of the images there are; null where the system is not to run.</param>
internal sealed class HostReader(string folder, IReadOnlyList<string>? images)
{
    private const string FileForm = "the path of a file, absolute or from the system file's folder";

    /// <summary>The path of a file that is there, or null where the field is absent or wrong.</summary>
    internal string? File(ConfigMap map, string field, string accepted = FileForm, bool written = false) =>
        Path(map, field, accepted, path => PathFault.OfFile(path, written));

    /// <summary>Likewise of a folder.</summary>
    internal string? Folder(ConfigMap map, string field, string accepted) => Path(map, field, accepted, PathFault.OfFolder);

    /// <summary>Likewise of a file that is made where it is not there, or of a socket.</summary>
    internal string? NewFile(ConfigMap map, string field, string accepted = FileForm) => Path(map, field, accepted, PathFault.OfNew);

    /// <summary>The name of a guest image.</summary>
    internal string? Image(ConfigMap map)
    {
        string? name = map.Name("image", $"the name of a guest image: {SystemReader.NameForm}");
        if (name is not null && images?.Contains(name) == false)
        {
            map.Error("image", $"\"{name}\" is no guest image", $"one of {string.Join(", ", images)}", Host.NearestName.Find(name, images));
        }

        return name;
    }

    /// <summary>The firmware of a domain.</summary>
    internal FirmwareRequest? Firmware(ConfigMap map)
    {
        if (map.Text("firmware", "seabios, ovmf, or the path of a file") is not { } name)
        {
            return null;
        }

        FirmwareRequest firmware = FirmwareRequest.Of(name, Full) with { VariablesPath = NewFile(map, "variables") };
        if (images is not null && firmware.Fault is { } fault)
        {
            map.Error("firmware", fault.Problem, fault.Fix);
        }

        return firmware;
    }

    private string? Path(ConfigMap map, string field, string accepted, Func<string, string?> faultOf)
    {
        if (map.Text(field, accepted) is not { } text)
        {
            return null;
        }

        string path = Full(text);
        if (images is not null && faultOf(path) is { } fault)
        {
            map.Error(field, $"{path}: {fault}", $"give {accepted}");
        }

        return path;
    }

    private string Full(string path) => System.IO.Path.GetFullPath(path, folder);
}
